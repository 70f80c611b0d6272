package fleet

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"muster/manager/store"
)

// An Identity is what a device is known by, as far as people need to know.
type Identity struct {
	State       store.IdentityState `json:"state"`
	DeviceGroup string              `json:"device_group"`
	// KeySHA256 is the SHA-256 of its public key in DER, in hexadecimal; empty of a device that has a secret.
	KeySHA256 string `json:"key_sha256,omitempty"`
	// TokenID is that of the enrollment token it came with.
	TokenID string `json:"token_id,omitempty"`
	// Certificates are the last ones, newest first.
	Certificates []store.IssuedCertificate `json:"certificates"`
	Requested    time.Time                 `json:"requested,omitzero"`
	Approved     time.Time                 `json:"approved,omitzero"`
	Revoked      time.Time                 `json:"revoked,omitzero"`
	By           string                    `json:"by,omitempty"`
}

// ShowIdentity is an identity without its secret.
func ShowIdentity(i store.Identity) *Identity {
	shown := &Identity{
		State: i.State, DeviceGroup: i.DeviceGroup, TokenID: i.TokenID, Certificates: i.Certificates,
		Requested: i.Requested, Approved: i.Approved, Revoked: i.Revoked, By: i.By,
	}
	if shown.Certificates == nil {
		shown.Certificates = []store.IssuedCertificate{}
	}
	if len(i.PublicKey) > 0 {
		sum := sha256.Sum256(i.PublicKey)
		shown.KeySHA256 = hex.EncodeToString(sum[:])
	}
	return shown
}
