// Package identity is what a device is known by: a key that never leaves it, and the certificate that the managers gave it
// for that.
//
//	token ─→ key → request ─┬─ MQTT: enroll/{d}/request ──┬─→ reply → checked → identity.json
//	                        └─ HTTPS: /api/v2/enroll ─────┘
//	identity.json → each attempt to connect (TLS both ways) → renewal, over that connection or one of its own → identity.json
//
// The key is written once, before anybody hears of it; all else is one file that is replaced whole. So whenever the device
// dies, it has an identity or none, and asking again with the same key and token gives it the same.
package identity

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"muster/worker/durable"
)

// file holds the identity in the state directory, keyFile its key.
const (
	file    = "identity.json"
	keyFile = "identity-key.pem"
)

// An Identity is what the managers gave a device. It holds nothing secret: the key is in a file of its own.
type Identity struct {
	Device      string `json:"device"`
	DeviceGroup string `json:"device_group"`
	// Certificate is the device's in PEM, and those that it was issued by.
	Certificate string `json:"certificate"`
	// Authorities are those in PEM that the managers and the broker may have their certificates from.
	Authorities string `json:"authorities"`
	// System says that the system's authorities are believed as well, because the device was enrolled by those.
	System bool `json:"system,omitempty"`
	// BrokerURL is where the managers say that the broker is; empty when they do not.
	BrokerURL string `json:"broker_url,omitempty"`
	// Given is what the settings were when the managers last spoke: where those change, they win.
	Given Given `json:"given"`
	// Received is when the certificate came, by this device's clock, and RenewAfter how long after that the next one is due.
	Received   time.Time     `json:"received"`
	RenewAfter time.Duration `json:"renew_after"`

	key   *ecdsa.PrivateKey
	chain []*x509.Certificate
}

// Given are settings that the managers have a say in too.
type Given struct {
	BrokerURL   string `json:"broker_url,omitempty"`
	DeviceGroup string `json:"device_group,omitempty"`
}

// Load reads the identity of a state directory. It wraps [os.ErrNotExist] when there is none; any other error says that what
// there is can not be used.
func Load(dir string) (Identity, error) {
	path := filepath.Join(dir, file)
	data, err := os.ReadFile(path)
	if err != nil {
		return Identity{}, err
	}
	var i Identity
	if err := json.Unmarshal(data, &i); err != nil {
		return Identity{}, fmt.Errorf("read %s: %w", path, err)
	}
	if i.key, err = readKey(dir); err != nil {
		// Not wrapped: without the key there is an identity nevertheless.
		return Identity{}, fmt.Errorf("the key of this device's identity: %s", err.Error())
	}
	if err := i.check(); err != nil {
		return Identity{}, fmt.Errorf("%s: %w", path, err)
	}
	return i, nil
}

// check takes the certificates apart and compares them with the rest.
func (i *Identity) check() error {
	var err error
	if i.chain, err = certificates(i.Certificate); err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	authorities, err := certificates(i.Authorities)
	if err != nil {
		return fmt.Errorf("authorities: %w", err)
	}
	leaf := i.chain[0]
	if key, ok := leaf.PublicKey.(*ecdsa.PublicKey); !ok || !i.key.PublicKey.Equal(key) {
		return errors.New("certificate: is for another key than this device's")
	}
	if leaf.Subject.CommonName != i.Device {
		return fmt.Errorf("certificate: is for %.80q, this device is %q", leaf.Subject.CommonName, i.Device)
	}
	// Whether it has expired is the managers' to say, and this device may not know the time.
	if _, err := leaf.Verify(x509.VerifyOptions{
		Roots: pool(authorities), Intermediates: pool(i.chain[1:]), CurrentTime: leaf.NotBefore,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}); err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	return nil
}

// save makes the identity what the next start loads.
func (i Identity) save(dir string) error {
	data, err := json.Marshal(i)
	if err != nil {
		return fmt.Errorf("encode the identity: %w", err)
	}
	return durable.WriteFile(filepath.Join(dir, file), data)
}

// NotAfter is when the certificate expires.
func (i Identity) NotAfter() time.Time { return i.chain[0].NotAfter }
