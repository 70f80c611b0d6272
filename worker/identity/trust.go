package identity

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"muster/topics"
	"muster/topics/token"
)

// trust says whose certificates are believed.
type trust struct {
	// roots are authorities, and nil is none.
	roots []*x509.Certificate
	// given are further ones, from the settings; nil is none.
	given *x509.CertPool
	// pin is an authority of which only the public key's sum is known; zero is none.
	pin token.Pin
	// system adds the system's.
	system bool
}

// trust is whom this device believes by now.
func (k *Keeper) trust() trust {
	i, enrolled := k.Identity()
	if !enrolled {
		return trust{given: k.Roots, pin: k.Token.Pin, system: k.Roots == nil && k.Token.Pin == token.Pin{}}
	}
	roots, _ := certificates(i.Authorities) // was checked when it came
	return trust{roots: roots, given: k.Roots, system: i.System}
}

// Protocols as the TLS handshake names them (ALPN, RFC 7301).
const (
	protocolMQTT = "mqtt"
	protocolHTTP = "http/1.1"
)

// tlsConfig is for connections to the host in that protocol. The device shows its newest certificate, if it has one.
func (k *Keeper) tlsConfig(host, protocol string) *tls.Config {
	trust := k.trust()
	protocols := []string{protocol}
	if trust.pin != (token.Pin{}) || trust.roots != nil && !trust.system {
		protocols = append(protocols, topics.FleetProtocol)
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: protocols,
		// The library would judge by the machine's clock, and knows no pins. VerifyConnection is called for every
		// connection, and nothing is sent before it has returned.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			return k.verify(host, s.PeerCertificates, trust)
		},
	}
	if i, enrolled := k.Identity(); enrolled {
		shown := &tls.Certificate{PrivateKey: i.key, Leaf: i.chain[0]}
		for _, c := range i.chain {
			shown.Certificate = append(shown.Certificate, c.Raw)
		}
		// Whatever authorities the server names: it may not name the one by which it believes ours.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return shown, nil }
	}
	return config
}

// verify judges the certificates that a server shows.
func (k *Keeper) verify(host string, shown []*x509.Certificate, t trust) error {
	if len(shown) == 0 {
		return errors.New("the server shows no certificate")
	}
	roots, err := t.pool(shown)
	if err != nil {
		return err
	}
	// What is not valid yet only says that this device's clock is behind: no authority that is believed signs ahead of time.
	now := k.clock.now()
	for _, c := range shown {
		if c.NotBefore.After(now) {
			now = c.NotBefore
		}
	}
	if _, err := shown[0].Verify(x509.VerifyOptions{
		DNSName: host, Roots: roots, Intermediates: pool(shown[1:]), CurrentTime: now,
	}); err != nil {
		if t.pin != (token.Pin{}) && t.given == nil {
			return fmt.Errorf("by the authority that the enrollment token names: %w", err)
		}
		return err
	}
	k.clock.see(shown[0].NotBefore)
	return nil
}

// pool is the authorities to verify the shown certificates by.
func (t trust) pool(shown []*x509.Certificate) (*x509.CertPool, error) {
	roots := x509.NewCertPool()
	switch {
	case t.given != nil:
		roots = t.given.Clone()
	case t.system:
		system, err := x509.SystemCertPool()
		if err != nil {
			return nil, fmt.Errorf("the system's certificate authorities: %w", err)
		}
		roots = system
	}
	for _, c := range t.roots {
		roots.AddCert(c)
	}
	if t.pin == (token.Pin{}) {
		return roots, nil
	}
	for _, c := range shown {
		if c.IsCA && c.BasicConstraintsValid && token.PinOf(c.RawSubjectPublicKeyInfo) == t.pin {
			roots.AddCert(c)
		}
	}
	return roots, nil
}
