package network_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"testing"

	"muster/broker/client/network"
	"muster/broker/client/network/networktest"
	"muster/test/rig"
)

// Each attempt is made with what was prepared for it, and who prepares learns how the one before went.
func TestEachAttemptIsPrepared(t *testing.T) {
	b := rig.Mosquitto(t, rig.MosquittoOptions{Users: map[string]string{"u": "right"}})
	errNotReady := errors.New("not ready")
	up := make(chan struct{}, 1)
	var seen []error
	c := networktest.Dial(t, network.Options{
		URL: "mqtt://127.0.0.1:1", ClientID: "c", Username: "u", Password: []byte("wrong"),
		Prepare: func(_ context.Context, o *network.Options, last error) error {
			seen = append(seen, last)
			switch len(seen) {
			case 1:
				return errNotReady
			case 2: // to where nothing listens
			case 3:
				o.URL = b.URL()
			default:
				if string(o.Password) != "wrong" {
					t.Errorf("attempt %d is prepared from what an earlier one was changed to", len(seen))
				}
				o.URL, o.Password = b.URL(), []byte("right")
			}
			return nil
		},
	})
	c.OnUp(func() { up <- struct{}{} })
	<-up
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 4 || seen[0] != nil || !errors.Is(seen[1], errNotReady) || seen[2] == nil || seen[3] == nil {
		t.Fatalf("the attempts before went %v", seen)
	}
	if network.RefusedLogin(seen[1]) || network.RefusedLogin(seen[2]) || !network.RefusedLogin(seen[3]) {
		t.Errorf("refused logins are not told from other failures: %v", seen)
	}
}

func TestARefusedCertificateIsARefusedLogin(t *testing.T) {
	cert := newCertificate(t, "127.0.0.1")
	pair, err := tls.LoadX509KeyPair(cert.certFile, cert.keyFile)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := tls.NewListener(l, &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS13,
		VerifyConnection: func(tls.ConnectionState) error { return errors.New("not of ours") },
	})
	t.Cleanup(func() { _ = server.Close() })
	go func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).HandshakeContext(t.Context())
			_ = conn.Close()
		}
	}()
	trust := cert.trust()
	trust.Certificates = []tls.Certificate{pair}
	seen := make(chan error, 100)
	networktest.Dial(t, network.Options{
		URL: "mqtts://" + l.Addr().String(), ClientID: "c", TLS: trust,
		Prepare: func(_ context.Context, _ *network.Options, last error) error {
			seen <- last
			return nil
		},
	})
	<-seen
	if err := <-seen; !network.RefusedLogin(err) {
		t.Errorf("an attempt that failed with %v does not count as a refused login", err)
	}
}
