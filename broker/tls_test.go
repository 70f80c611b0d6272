package broker

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"testing"
	"time"

	"muster/topics"
)

// A pki is a throwaway certificate authority with a server and the client "d1".
type pki struct{ server, client *tls.Config }

func newPKI(t testing.TB) pki {
	t.Helper()
	caCert, caKey := certificate(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "CA"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	pool := x509.NewCertPool()
	pool.AddCert(caCert)
	issue := func(name string, usage x509.ExtKeyUsage) tls.Certificate {
		cert, key := certificate(t, &x509.Certificate{
			Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			ExtKeyUsage: []x509.ExtKeyUsage{usage},
		}, caCert, caKey)
		return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
	}
	return pki{
		server: &tls.Config{
			Certificates: []tls.Certificate{issue("broker", x509.ExtKeyUsageServerAuth)},
			ClientCAs:    pool, ClientAuth: tls.VerifyClientCertIfGiven,
		},
		client: &tls.Config{
			RootCAs: pool, Certificates: []tls.Certificate{issue("d1", x509.ExtKeyUsageClientAuth)},
		},
	}
}

// certificate makes one that parent signs, or the key itself when there is none.
func certificate(t testing.TB, template, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if parent == nil {
		parent, parentKey = template, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// A device is known by its certificate, over plain TLS and over WebSocket.
func TestTLS(t *testing.T) {
	pki := newPKI(t)
	s := listen(t, func(o *Options) {
		o.TLSAddr, o.WebSocketTLSAddr, o.TLS = "127.0.0.1:0", "127.0.0.1:0", pki.server
		o.Authenticate = func(l Login) (topics.Subject, error) {
			if l.TLS == nil || len(l.TLS.VerifiedChains) == 0 {
				return topics.Subject{}, errors.New("no certificate")
			}
			return topics.Subject{Role: topics.RoleDevice, Name: l.TLS.PeerCertificates[0].Subject.CommonName}, nil
		}
	})
	anonymous := pki.client.Clone()
	anonymous.Certificates = nil
	dial := func(config *tls.Config) *wire {
		nc, err := tls.Dial("tcp", s.TLSAddr().String(), config)
		if err != nil {
			t.Fatal(err)
		}
		return newWire(t, nc, 5)
	}
	dialWS := func(config *tls.Config) *wire {
		return dialWebSocket(t, "wss://"+s.WebSocketTLSAddr().String(), config, nil)
	}
	for name, dial := range map[string]func(*tls.Config) *wire{"TLS": dial, "WebSocket over TLS": dialWS} {
		t.Run(name, func(t *testing.T) {
			w := dial(pki.client).mustConnect(name)
			if code := w.publish(device(topics.DeviceStatus, "d1"), "x", false); code >= 0x80 {
				t.Errorf("the device may not publish its status: %#x", code)
			}
			if code := w.publish(device(topics.DeviceStatus, "d2"), "x", false); code != 0x87 {
				t.Errorf("the device may publish another's status: %#x", code)
			}
			if code := dial(anonymous).connect("anonymous").ReasonCode; code != 0x86 {
				t.Errorf("a client without a certificate is answered with %#x", code)
			}
		})
	}
}

// A peer that does not speak TLS, or stops in the middle of the handshake, does no harm.
func TestTLSHandshakeFails(t *testing.T) {
	s := listen(t, func(o *Options) {
		o.TLSAddr, o.TLS, o.ConnectTimeout = "127.0.0.1:0", newPKI(t).server, 50*time.Millisecond
	})
	plain := dialTCP(t, s.TLSAddr(), 5)
	plain.send(connectPacket(5, "c"))
	stops := dialTCP(t, s.TLSAddr(), 5)
	if _, err := stops.Write([]byte{22, 3, 1}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both are gone", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.conns) == 0
	})
}
