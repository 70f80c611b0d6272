package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"slices"
	"time"

	"muster/topics"
)

// Servers says which certificate a handshake gets. It is the fleet's own for whoever asks for that one, see
// [topics.FleetProtocol], and when there is no other.
type Servers struct {
	Fleet *Issued
	// Files is what everybody else gets, unless it is nil.
	Files *Certificate
}

// TLS is a configuration for servers, TLS 1.2 at least, whose handshakes have the certificate of the time.
func (s Servers) TLS() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.choose}
}

func (s Servers) choose(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if s.Files == nil || slices.Contains(hello.SupportedProtos, topics.FleetProtocol) {
		return s.Fleet.Latest(), nil
	}
	return s.Files.latest(), nil
}

// Expiry is when the certificate that most get ends.
func (s Servers) Expiry() time.Time {
	if s.Files != nil {
		return s.Files.Expiry()
	}
	return s.Fleet.Latest().Leaf.NotAfter
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
