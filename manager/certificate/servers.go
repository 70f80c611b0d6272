package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/acme"

	"muster/topics"
)

// Servers says which certificate a handshake gets. It is the fleet's own for whoever asks for that one, see
// [topics.FleetProtocol], and when there is no other.
type Servers struct {
	Fleet *Issued
	// ACME is for whoever asks for one of its names, unless it is nil or has none yet.
	ACME *ACME
	// Files is what everybody else gets, unless it is nil.
	Files *Certificate
}

// TLS is a configuration for servers, TLS 1.2 at least, whose handshakes have the certificate of the time.
func (s Servers) TLS() *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.choose}
	if s.ACME != nil {
		config.NextProtos = []string{acme.ALPNProto}
	}
	return config
}

func (s Servers) choose(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	switch {
	case slices.Contains(hello.SupportedProtos, topics.FleetProtocol):
		return s.Fleet.Latest(), nil
	case s.Files != nil:
		return s.Files.latest(), nil
	case s.ACME != nil:
		if c := s.ACME.Get(hello); c != nil {
			return c, nil
		}
	}
	return s.Fleet.Latest(), nil
}

// Expiry is when the certificate that most get ends.
func (s Servers) Expiry() time.Time {
	if s.Files != nil {
		return s.Files.Expiry()
	}
	if s.ACME != nil {
		if end := s.ACME.Expiry(); !end.IsZero() {
			return end
		}
	}
	return s.Fleet.Latest().Leaf.NotAfter
}

// Run keeps the certificates new until ctx ends. Those of files are looked at by the handshakes.
func (s Servers) Run(ctx context.Context) {
	var running sync.WaitGroup
	running.Go(func() { s.Fleet.Run(ctx) })
	if s.ACME != nil {
		running.Go(func() { s.ACME.Run(ctx) })
	}
	running.Wait()
}

// AskDevices is config for listeners of devices: a handshake asks for a certificate, and goes on without one. One that verify
// has an error for ends it. It names no authorities: a device that has an old one's certificate would keep it to itself, and
// never hear what is wrong with it.
func AskDevices(config *tls.Config, verify func(chain []*x509.Certificate) error) *tls.Config {
	config = config.Clone()
	config.ClientAuth = tls.RequestClientCert
	// Unlike VerifyPeerCertificate this is called for resumed sessions too.
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return nil
		}
		return verify(state.PeerCertificates)
	}
	return config
}
