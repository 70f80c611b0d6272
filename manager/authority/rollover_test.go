package authority_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"muster/manager/authority"
	testrig "muster/test/rig"
	"muster/topics/token"
)

// handshake has a client that believes in these roots connect to a server that asks for a certificate, and returns what each
// of them says.
func handshake(t *testing.T, server *tls.Certificate, roots *x509.CertPool, client ...tls.Certificate) (shown []*x509.Certificate, clientErr, serverErr error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		accepted, err := listener.Accept()
		if err != nil {
			serverErr = err
			return
		}
		defer accepted.Close()
		conn := tls.Server(accepted, &tls.Config{Certificates: []tls.Certificate{*server}, ClientAuth: tls.RequestClientCert})
		serverErr = conn.HandshakeContext(t.Context())
		shown = conn.ConnectionState().PeerCertificates
	}()
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", Certificates: client}}
	conn, clientErr := dialer.DialContext(t.Context(), "tcp", listener.Addr().String())
	<-done
	if clientErr == nil {
		_ = conn.Close()
	}
	return shown, clientErr, serverErr
}

// After many roll-overs whoever believes any one of the authorities that there ever were finds a way to the server of today: Go,
// OpenSSL and a client of Mosquitto, which are other programs with other ways to build a chain.
func TestWhoeverBelievesAnyAuthorityVerifiesTheServer(t *testing.T) {
	r := newRig(t)
	fleet := r.open()
	const rolls = 5
	pins := []token.Pin{fleet.Pin()}
	for range rolls {
		r.roll(fleet)
		pins = append(pins, fleet.Pin())
	}
	_, err := fleet.Retire(t.Context(), "2", true)
	r.must(err)
	server, err := fleet.IssueServer([]string{"127.0.0.1", "muster.example.com"}, life)
	r.must(err)
	dir := t.TempDir()
	broker := testrig.Mosquitto(t, mosquittoOver(t, dir, server))
	port := broker.URLOf("mqtts", "")[len("mqtts://127.0.0.1:"):]

	if got := len(fleet.List()); got != rolls+1 {
		t.Fatalf("%d authorities, want %d", got, rolls+1)
	}
	for n, info := range fleet.List() {
		t.Run(info.ID, func(t *testing.T) {
			if _, err, _ := handshake(t, server, pool(certificates(t, info.Certificate)...)); err != nil {
				t.Errorf("Go: %v", err)
			}
			if !hasPin(t, server, pins[n]) || pins[n].String() != info.Pin {
				t.Errorf("the chain has not got the pin %v, which is said to be %s", pins[n], info.Pin)
			}
			file := write(t, filepath.Join(dir, "root"+info.ID+".pem"), info.Certificate)
			verifyWithOpenSSL(t, port, file)
			publish(t, port, file)
		})
	}

	other := newRig(t).open().List()[0]
	file := write(t, filepath.Join(dir, "other.pem"), other.Certificate)
	if _, err, _ := handshake(t, server, pool(certificates(t, other.Certificate)...)); err == nil {
		t.Error("Go: whoever believes another fleet's authority verifies the server")
	}
	for name, command := range map[string]*exec.Cmd{"openssl": openssl(port, file), "mosquitto_pub": mosquittoPub(port, file)} {
		if out, err := command.CombinedOutput(); err == nil {
			t.Errorf("%s: whoever believes another fleet's authority verifies the server: %s", name, out)
		}
	}
}

func mosquittoOver(t *testing.T, dir string, server *tls.Certificate) testrig.MosquittoOptions {
	t.Helper()
	chain := ""
	for _, der := range server.Certificate {
		chain += string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	return testrig.MosquittoOptions{
		Also:     []string{"mqtts"},
		CertFile: write(t, filepath.Join(dir, "server.pem"), chain),
		KeyFile:  write(t, filepath.Join(dir, "server.key"), keyInPEM(t, server.PrivateKey)),
	}
}

func keyInPEM(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func hasPin(t *testing.T, server *tls.Certificate, pin token.Pin) bool {
	t.Helper()
	for _, der := range server.Certificate {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		if cert.IsCA && token.PinOf(cert.RawSubjectPublicKeyInfo) == pin {
			return true
		}
	}
	return false
}

func openssl(port, roots string) *exec.Cmd {
	return exec.Command("openssl", "s_client", "-connect", "127.0.0.1:"+port, "-CAfile", roots, "-no-CApath", "-no-CAstore",
		"-verify_return_error", "-verify_ip", "127.0.0.1", "-brief")
}

func verifyWithOpenSSL(t *testing.T, port, roots string) {
	t.Helper()
	out, err := openssl(port, roots).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Verification: OK") {
		t.Errorf("openssl: %v: %s", err, out)
	}
}

func mosquittoPub(port, roots string) *exec.Cmd {
	return exec.Command("mosquitto_pub", "-h", "127.0.0.1", "-p", port, "--cafile", roots, "-t", "t", "-m", "m", "-q", "1")
}

func publish(t *testing.T, port, roots string) {
	t.Helper()
	if out, err := mosquittoPub(port, roots).CombinedOutput(); err != nil {
		t.Errorf("mosquitto_pub: %v: %s", err, out)
	}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A device's certificate verifies at a broker that believes any authority that is not retired, and shows no more than it takes.
func TestADevicesChainLeadsToTheOldestAuthorityBelieved(t *testing.T) {
	r := newRig(t)
	fleet := r.open()
	for n := range 3 {
		if n > 0 {
			r.roll(fleet)
		}
		d := r.device(fleet, fmt.Sprint("d", n))
		if len(d.chain) != n+1 {
			t.Errorf("after %d roll-overs it shows %d certificates", n, len(d.chain))
		}
		for _, root := range certificates(t, fleet.Roots()) {
			if err := verifiedBy(d, root); err != nil {
				t.Errorf("after %d roll-overs: %s: %v", n, root.Subject, err)
			}
		}
	}
	_, err := fleet.Retire(t.Context(), "1", true)
	r.must(err)
	roots := certificates(t, fleet.Roots())
	if d := r.device(fleet, "d"); len(d.chain) != 2 || len(roots) != 2 || verifiedBy(d, roots[0]) != nil || verifiedBy(d, roots[1]) != nil {
		t.Errorf("after the first has retired it shows %d certificates, %d are believed", len(d.chain), len(roots))
	}
}

func verifiedBy(d device, root *x509.Certificate) error {
	_, err := d.chain[0].Verify(x509.VerifyOptions{
		Roots: pool(root), Intermediates: pool(d.chain[1:]...), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err
}

func TestTwoRollAtOnce(t *testing.T) {
	r := newRig(t)
	one, other := r.open(), r.open()
	const each = 4
	results := make(chan error, 2*each)
	for _, fleet := range []*authority.Fleet{one, other} {
		for range each {
			go func() {
				_, err := fleet.Roll(t.Context(), "ada")
				results <- err
			}()
		}
	}
	made := 1
	for range 2 * each {
		if err := <-results; err == nil {
			made++
		} else if !errors.Is(err, authority.ErrRolled) {
			t.Error(err)
		}
	}
	r.must(one.Refresh(t.Context()))
	r.must(other.Refresh(t.Context()))
	if len(one.List()) != made || made < 2 || one.Pin() != other.Pin() || one.Roots() != other.Roots() {
		t.Errorf("%d authorities were made; one manager knows %d and the other %d", made, len(one.List()), len(other.List()))
	}
	if again := r.open(); again.Roots() != one.Roots() {
		t.Error("a restart finds others")
	}
}
