package rights

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"muster/test/rig"
	"muster/topics"
)

// An authority issues certificates for a test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	a := &authority{t: t}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte(name),
	}
	issued := a.issue(template)
	a.cert, a.key = issued.Leaf, issued.PrivateKey.(*ecdsa.PrivateKey)
	return a
}

// issue signs a certificate for a new key; before the authority has its own, that one.
func (a *authority) issue(template *x509.Certificate) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: leaf}
}

// of is the certificate of a client, or of the server on 127.0.0.1.
func (a *authority) of(name string) tls.Certificate {
	return a.issue(&x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
}

// crl lists the certificates as revoked, for so long.
func (a *authority) crl(life time.Duration, revoked ...tls.Certificate) []byte {
	a.t.Helper()
	template := &x509.RevocationList{Number: big.NewInt(time.Now().UnixMilli()), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(life)}
	for _, c := range revoked {
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: c.Leaf.SerialNumber, RevocationTime: time.Now().Add(-time.Minute)})
	}
	raw, err := x509.CreateRevocationList(rand.Reader, template, a.cert, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: raw})
}

func encoded(t *testing.T, c tls.Certificate) (cert, key []byte) {
	t.Helper()
	raw, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

// A real is a Mosquitto with deploy/mosquitto/access.conf.
type real struct {
	t         *testing.T
	authority *authority
	// devices and people are its listeners for those with certificates and with passwords.
	devices, people string
	certificates    map[string]tls.Certificate
	dir             string
	broker          *rig.Broker
}

// everything is a user that may do everything, as no user of a fleet may.
const everything = "every.thing"

// plugin is what the deployed file has in a comment.
const plugin = "plugin /usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so"

// newReal starts one with the rights in the format.
func newReal(t *testing.T, format string, revoked ...string) *real {
	t.Helper()
	r := &real{t: t, authority: newAuthority(t, "test"), certificates: map[string]tls.Certificate{}, dir: t.TempDir()}
	fleet := some()
	for _, login := range append(revoked, everything) {
		r.certificates[login] = r.authority.of(login)
	}
	for _, u := range fleet.Users {
		r.certificates[u.Login] = r.authority.of(u.Login)
	}
	var file bytes.Buffer
	if err := Write(&file, format, fleet); err != nil {
		t.Fatal(err)
	}
	var out []tls.Certificate
	for _, login := range revoked {
		out = append(out, r.certificates[login])
	}
	cert, key := encoded(t, r.authority.of("server"))
	ca, _ := encoded(t, tls.Certificate{Certificate: [][]byte{r.authority.cert.Raw}, PrivateKey: r.authority.key})
	r.write("server.pem", cert)
	r.write("server.key", key)
	r.write("ca.pem", ca)
	r.write("crl.pem", r.authority.crl(time.Hour, out...))
	r.write("passwords", nil)

	text, err := os.ReadFile("../../deploy/mosquitto/access.conf")
	if err != nil {
		t.Fatal(err)
	}
	port := rig.FreePorts(t, 2)
	r.devices, r.people = fmt.Sprint("127.0.0.1:", port), fmt.Sprint("127.0.0.1:", port+1)
	config := strings.NewReplacer(
		"/etc/mosquitto/muster", r.dir, "listener 8883", fmt.Sprintf("listener %d 127.0.0.1", port), "listener 8884", fmt.Sprintf("listener %d 127.0.0.1", port+1),
		"password_file ", "# ", // the rig has one
	).Replace(string(text))
	if format == "mosquitto" {
		r.write("acl", append(file.Bytes(), "\nuser "+everything+"\ntopic readwrite #\n"...))
	} else {
		r.write("dynsec.json", withEverything(t, file.Bytes()))
		config = strings.NewReplacer("acl_file", "#acl_file", "#plugin", "plugin").Replace(config)
		if !strings.Contains(config, "\n"+plugin) {
			t.Fatalf("the deployed file does not say %q", plugin)
		}
	}
	users := map[string]string{"manager.a": "secret", "till-1": "secret"}
	r.broker = rig.Mosquitto(t, rig.MosquittoOptions{Users: users, Config: config})
	return r
}

func (r *real) write(name string, content []byte) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), content, 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// A link is a connection with MQTT 5.
type link struct {
	t    *testing.T
	conn net.Conn
	next uint16
	// heard are the messages that came while something else was waited for.
	heard []*packets.Publish
}

// tls is a client's configuration.
func (r *real) tls(certificates ...tls.Certificate) *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(r.authority.cert)
	return &tls.Config{RootCAs: roots, Certificates: certificates}
}

// open connects as one of the users, who may be refused.
func (r *real) open(login, clientID string, change func(*packets.Connect)) (*link, byte, error) {
	return r.dial(r.devices, r.tls(r.certificates[login]), clientID, change)
}

func (r *real) dial(addr string, config *tls.Config, clientID string, change func(*packets.Connect)) (*link, byte, error) {
	conn, err := tls.Dial("tcp", addr, config)
	if err != nil {
		return nil, 0, err
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	l := &link{t: r.t, conn: conn}
	connect := packets.Connect{ProtocolName: "MQTT", ProtocolVersion: 5, ClientID: clientID, CleanStart: true, KeepAlive: 60, Properties: &packets.Properties{}}
	if change != nil {
		change(&connect)
	}
	if _, err := connect.WriteTo(conn); err != nil {
		return nil, 0, err
	}
	answer, err := packets.ReadPacket(conn)
	if err != nil {
		return nil, 0, err
	}
	ack, is := answer.Content.(*packets.Connack)
	if !is {
		return nil, 0, fmt.Errorf("the answer to a CONNECT is %v", answer)
	}
	return l, ack.ReasonCode, nil
}

// as connects as one of the users, with its own name as the client id.
func (r *real) as(login string) *link {
	r.t.Helper()
	l, code, err := r.open(login, login, nil)
	if err != nil || code != 0 {
		r.t.Fatalf("%s: CONNACK %#x, %v", login, code, err)
	}
	return l
}

// publish returns the reason code of the PUBACK.
func (l *link) publish(topic, payload string) byte {
	l.t.Helper()
	l.next++
	l.send(&packets.Publish{Topic: topic, Payload: []byte(payload), QoS: 1, PacketID: l.next, Properties: &packets.Properties{}})
	return receive[*packets.Puback](l).ReasonCode
}

// subscribe returns the reason code of the SUBACK.
func (l *link) subscribe(filter string) byte {
	l.t.Helper()
	l.next++
	l.send(&packets.Subscribe{Subscriptions: []packets.SubOptions{{Topic: filter, QoS: 1}}, PacketID: l.next, Properties: &packets.Properties{}})
	return receive[*packets.Suback](l).Reasons[0]
}

// hear returns the topics of the messages up to the one with that payload.
func (l *link) hear(last string) map[string]bool {
	l.t.Helper()
	heard := map[string]bool{}
	for {
		var m *packets.Publish
		if len(l.heard) > 0 {
			m, l.heard = l.heard[0], l.heard[1:]
		} else {
			m = receive[*packets.Publish](l)
		}
		if string(m.Payload) == last {
			return heard
		}
		heard[string(m.Payload)+" "+m.Topic] = true
	}
}

func (l *link) send(p io.WriterTo) {
	l.t.Helper()
	if _, err := p.WriteTo(l.conn); err != nil {
		l.t.Fatal(err)
	}
}

// receive returns the next packet of a type, acknowledging and keeping the messages that come before it.
func receive[P any](l *link) P {
	l.t.Helper()
	for {
		packet, err := packets.ReadPacket(l.conn)
		if err != nil {
			l.t.Fatal(err)
		}
		m, message := packet.Content.(*packets.Publish)
		if message && m.QoS > 0 {
			l.send(&packets.Puback{PacketID: m.PacketID, Properties: &packets.Properties{}})
		}
		if p, is := packet.Content.(P); is {
			return p
		}
		if message {
			l.heard = append(l.heard, m)
		}
	}
}

// readable is a topic that each role may be sent.
var readable = map[topics.Role]topics.Kind{
	topics.RoleManager: topics.DeviceReport, topics.RoleBridge: topics.DeviceReport, topics.RoleViewer: topics.DeviceReport,
	topics.RoleDevice: topics.DeviceReply, topics.RoleEnrolling: topics.EnrollReply,
}
