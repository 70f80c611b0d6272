package status

import (
	"errors"
	"io/fs"
	"time"

	"muster/topics"
	"muster/worker/identity"
)

// An Identity is how the managers know the device, or why they do not yet.
type Identity struct {
	// Device and DeviceGroup are what its certificate is for; empty when it has none.
	Device      string `json:"device,omitempty"`
	DeviceGroup string `json:"device_group,omitempty"`
	// KeySHA256 is the fingerprint of its key, as managers show it; empty when it has none.
	KeySHA256 string `json:"key_sha256,omitempty"`
	// NotAfter is when the certificate expires, and Renew about when it is to be renewed, by the clock.
	NotAfter time.Time `json:"not_after,omitzero"`
	Renew    time.Time `json:"renew,omitzero"`
	// Enrollment is how it is with a device that asks for a certificate; nil when it does not.
	Enrollment *identity.Enrollment `json:"enrollment,omitempty"`
	// Trouble says why what is on the disk is no identity.
	Trouble string `json:"trouble,omitempty"`
}

func readIdentity(dir string) *Identity {
	var s Identity
	i, err := identity.Load(dir)
	switch {
	case err == nil:
		s.Device, s.DeviceGroup, s.NotAfter, s.Renew = i.Device, i.DeviceGroup, i.NotAfter(), i.Received.Add(i.RenewAfter)
	case !errors.Is(err, fs.ErrNotExist):
		s.Trouble = err.Error()
	}
	if e, err := identity.LoadEnrollment(dir); err == nil {
		s.Enrollment = &e
	}
	if s == (Identity{}) {
		return nil
	}
	s.KeySHA256, _ = identity.KeySHA256(dir) // Trouble says what is wrong with it
	return &s
}

// identity is a line for people.
func (p *page) identity(i *Identity) {
	switch {
	case i == nil:
	case i.Trouble != "":
		p.line("identity", "of no use: %s", i.Trouble)
	case i.Device != "":
		state := "certificate until " + i.NotAfter.UTC().Format(time.DateTime+"Z") + " (" + p.next(&i.NotAfter) + ")"
		if !p.now.Before(i.NotAfter) {
			state = "certificate expired " + p.time(i.NotAfter)
		}
		p.line("identity", "%s of device_group %s; %s, renewed %s", i.Device, i.DeviceGroup, state, p.next(&i.Renew))
	}
	if i != nil && i.KeySHA256 != "" {
		p.line("key", "SHA-256 %s", i.KeySHA256)
	}
	if i == nil || i.Enrollment == nil {
		return
	}
	switch e := i.Enrollment; e.State {
	case topics.Pending:
		p.line("enrollment", "waits for an admin's approval, as of %s", p.time(e.At))
	case "":
		p.line("enrollment", "nobody has answered, as of %s: %s", p.time(e.At), e.Error)
	default:
		p.line("enrollment", "%s, as of %s: %s", e.State, p.time(e.At), e.Error)
	}
}
