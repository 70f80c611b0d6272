package identity_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"muster/broker"
	"muster/broker/client"
	"muster/broker/client/network"
	"muster/test/logs"
	"muster/topics"
	"muster/topics/token"
	"muster/worker/identity"
)

// patience is how long to wait for what takes milliseconds.
const patience = 20 * time.Second

// A manager is a broker over TLS, and what answers devices there, as the test says.
type manager struct {
	t         testing.TB
	authority *testAuthority
	token     token.Token
	broker    *broker.Server

	mu sync.Mutex
	// answer is what a request is answered; nil is not at all.
	answer func(kind topics.Kind, r topics.CertificateRequest) *topics.CertificateReply
	// admit says who a login with a certificate is.
	admit    func(leaf *x509.Certificate) (topics.Subject, error)
	server   tls.Certificate
	requests []topics.CertificateRequest
	// logins are the user names of all that tried.
	logins []string
}

func newManager(t *testing.T) *manager {
	a := newAuthority(t, "fleet")
	m := &manager{t: t, authority: a, token: token.New(a.pin()), server: a.server(time.Now().Add(-time.Hour), time.Now().Add(time.Hour))}
	m.answer = func(_ topics.Kind, r topics.CertificateRequest) *topics.CertificateReply {
		return m.issue(r, time.Hour)
	}
	m.admit = func(leaf *x509.Certificate) (topics.Subject, error) {
		return topics.Subject{Role: topics.RoleDevice, Name: leaf.Subject.CommonName, Group: "g"}, nil
	}
	var err error
	m.broker, err = broker.Listen(broker.Options{
		Root: topics.DefaultRoot, TLSAddr: "127.0.0.1:0", Authenticate: m.authenticate, Log: slog.New(slog.DiscardHandler),
		TLS: &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			shown := m.server // which a test may replace while a handshake looks at this one
			return &shown, nil
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.broker.Close(); err != nil {
			t.Error(err)
		}
	})
	c := m.broker.Client("manager")
	for ask, answer := range map[topics.Kind]topics.Kind{topics.EnrollRequest: topics.EnrollReply, topics.DeviceRenew: topics.DeviceCertificate} {
		if err := c.Subscribe(client.Subscription{Filter: topics.DefaultRoot.Filter(ask), QoS: 1, Handler: func(msg client.Message) {
			go m.handle(c, msg, ask, answer)
		}}); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func (m *manager) authenticate(l broker.Login) (topics.Subject, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.logins = append(m.logins, l.Username)
	if id, ok := token.EnrollID(l.Username); ok {
		if id != m.token.ID || string(l.Password) != m.token.Secret() {
			return topics.Subject{}, errors.New("no such token")
		}
		return topics.Subject{Role: topics.RoleEnrolling, Name: l.ClientID}, nil
	}
	if l.TLS == nil || len(l.TLS.PeerCertificates) == 0 {
		return topics.Subject{}, errors.New("no certificate")
	}
	return m.admit(l.TLS.PeerCertificates[0])
}

func (m *manager) handle(c client.Client, msg client.Message, ask, answer topics.Kind) {
	r, err := topics.ParseCertificateRequest(msg.Payload)
	if err != nil {
		m.t.Errorf("a request on %s: %v", msg.Topic, err)
		return
	}
	m.mu.Lock()
	m.requests = append(m.requests, r)
	reply := m.answer(ask, r)
	m.mu.Unlock()
	if reply == nil {
		return
	}
	reply.RequestID = r.RequestID
	payload, err := reply.Encode()
	if err != nil {
		m.t.Errorf("the test's reply: %v", err)
		return
	}
	topic, _ := topics.DefaultRoot.Parse(msg.Topic)
	_ = c.Publish(context.Background(), client.Message{Topic: topics.DefaultRoot.Topic(answer, topic.Name), Payload: payload, QoS: 1})
}

// keyOf is the key of a request that is signed by it.
func (m *manager) keyOf(r topics.CertificateRequest) (*x509.CertificateRequest, *ecdsa.PublicKey) {
	block, _ := pem.Decode([]byte(r.CSR))
	if block == nil {
		m.t.Error("the CSR is no PEM")
		return &x509.CertificateRequest{}, &newKey(m.t).PublicKey
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err == nil {
		err = csr.CheckSignature()
	}
	if err != nil {
		m.t.Errorf("the CSR: %v", err)
	}
	return csr, csr.PublicKey.(*ecdsa.PublicKey)
}

// issue answers a request with a certificate of that life.
func (m *manager) issue(r topics.CertificateRequest, life time.Duration) *topics.CertificateReply {
	csr, key := m.keyOf(r)
	now := time.Now()
	cert := m.authority.device(csr.Subject.CommonName, key, now.Add(-time.Minute), now.Add(life))
	return &topics.CertificateReply{
		State: topics.Issued, DeviceGroup: "g", Certificate: encode(cert), Authorities: m.authority.pem(), RenewIn: max(1, int64(life*2/3/time.Second)),
	}
}

func (m *manager) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

func (m *manager) asked() []topics.CertificateRequest {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.requests
}

func (m *manager) url() string { return "mqtts://" + m.broker.TLSAddr().String() }

// A device is a keeper on a state directory.
type device struct {
	*identity.Keeper
	dir string
	log *logs.Buffer
}

// device begins, or begins again, on the directory.
func (m *manager) device(dir string, change ...func(*identity.Options)) *device {
	log := &logs.Buffer{}
	o := identity.Options{
		Dir: dir, Root: topics.DefaultRoot, Device: "d", Token: m.token, Given: identity.Given{BrokerURL: m.url()},
		Broker: network.Options{Backoff: network.Backoff{Min: time.Millisecond, Max: 20 * time.Millisecond}}, Log: slog.New(slog.NewTextHandler(log, nil)),
	}
	for _, c := range change {
		c(&o)
	}
	return &device{identity.New(o), dir, log}
}

// connect keeps the device connected, as the worker does, until the test ends.
func (d *device) connect(t *testing.T, url string) *network.Client {
	t.Helper()
	c, err := network.Dial(network.Options{
		URL: url, ClientID: "d", Prepare: d.Prepare, Refused: d.Refused, Log: slog.New(slog.NewTextHandler(d.log, nil)),
		Backoff: network.Backoff{Min: time.Millisecond, Max: 20 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// within is a context for what takes milliseconds.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not come about that %s", what)
		}
	}
}
