package store

import (
	"context"
	"time"
)

// An IdentityState says what a device's identity is good for.
type IdentityState string

// The states of an identity.
const (
	// IdentityPending waits for an admin's approval. It is no way in.
	IdentityPending IdentityState = "pending"
	// IdentityActive lets the device in.
	IdentityActive IdentityState = "active"
	// IdentityRevoked keeps the device out, whatever it shows.
	IdentityRevoked IdentityState = "revoked"
)

// An Identity is what a device is known by. A device without one is let in by nothing but a password that all devices
// share, if there is one.
type Identity struct {
	Device      string        `json:"device"`
	DeviceGroup string        `json:"device_group"`
	State       IdentityState `json:"state"`
	// PublicKey is the device's, in DER (SubjectPublicKeyInfo, RFC 5280 section 4.1): every certificate of the device has
	// it. Empty for a device that has a secret instead.
	PublicKey []byte `json:"public_key,omitempty"`
	// SecretHash is the SHA-256 of a random secret that a manager made; empty for a device that has a key.
	SecretHash []byte `json:"secret_hash,omitempty"`
	// TokenID is that of the enrollment token it came with; empty when an admin made it.
	TokenID string `json:"token_id,omitempty"`
	// Certificates are those that were issued and have not expired for long, newest first, at most [MaxCertificates].
	Certificates []IssuedCertificate `json:"certificates"`
	// Requested, Approved and Revoked are when that was, in UTC; zero when it was not. By says who decided last.
	Requested time.Time `json:"requested,omitzero"`
	Approved  time.Time `json:"approved,omitzero"`
	Revoked   time.Time `json:"revoked,omitzero"`
	By        string    `json:"by,omitempty"`
	// Changed is when anything else here changed last, by the clock of the manager that changed it, in UTC to the millisecond. The
	// store sets it, and it rises with each change.
	Changed time.Time `json:"changed"`
}

// MaxCertificates is how many certificates are kept of an identity.
const MaxCertificates = 4

// An IssuedCertificate is what is kept of a device's certificate.
type IssuedCertificate struct {
	// Serial is the serial number in hexadecimal.
	Serial string `json:"serial"`
	// Authority is the ID of the [Authority] that issued it.
	Authority string    `json:"authority"`
	NotAfter  time.Time `json:"not_after"`
}

// An IdentityFilter says which identities to list; zero fields match all.
type IdentityFilter struct {
	State       IdentityState
	DeviceGroup string
	TokenID     string
}

// Identities keeps what devices are known by. One that cannot be read is an [UnreadableError], as it is for [Documents].
type Identities interface {
	// Create adds one. It fails with [ErrExists] when the device has one.
	Create(ctx context.Context, i Identity) (Identity, error)
	// Get reads one. It fails with [ErrNotFound].
	Get(ctx context.Context, device string) (Identity, error)
	// Modify reads one, has change alter it, writes it back and returns it as written; nobody else's change comes in between
	// or is lost. An error of change is returned as it is and nothing is written. change must not alter the device, and may be called
	// several times. It fails with [ErrNotFound].
	Modify(ctx context.Context, device string, change func(*Identity) error) (Identity, error)
	// Delete forgets one. It fails with [ErrNotFound].
	Delete(ctx context.Context, device string) error
	// List reads those that match in ascending byte order of the devices, those after the given one, at most limit.
	List(ctx context.Context, f IdentityFilter, after string, limit int) ([]Identity, error)
	// ChangedSince reads those that changed at that time or later, in ascending order of (Changed, Device), those after the
	// given pair, at most limit. One that was deleted is not among them. Managers write at the same time and by clocks of their own, so
	// one may turn up a little before another that has been read already: whoever follows looks back over some seconds.
	ChangedSince(ctx context.Context, since time.Time, after string, limit int) ([]Identity, error)
}
