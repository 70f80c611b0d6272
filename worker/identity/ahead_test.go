package identity_test

import (
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"muster/topics"
)

// A manager whose clock is years ahead shows certificates of then, and lets nobody in, since all of theirs are long over. When that is set right
// devices are in again, and so they are after their next start.
func TestAManagerWhoseClockWasAhead(t *testing.T) {
	m, d := enrolled(t, time.Hour)
	good := m.server
	m.set(func() {
		m.server = m.authority.server(time.Now().AddDate(5, 0, 0), time.Now().AddDate(6, 0, 0))
		m.admit = func(*x509.Certificate) (topics.Subject, error) { return topics.Subject{}, errors.New("expired") }
	})
	c := d.connect(t, m.url())
	go func() { _ = d.Follow(t.Context(), c) }()
	eventually(t, "it is refused", func() bool { return strings.Contains(d.log.String(), "reason code 0x86") })
	m.set(func() {
		m.server = good
		m.admit = func(*x509.Certificate) (topics.Subject, error) {
			return topics.Subject{Role: topics.RoleDevice, Name: "d", Group: "g"}, nil
		}
	})
	eventually(t, "it is let in again", c.Connected)
	_ = c.Close()
	again := m.device(d.dir).connect(t, m.url())
	eventually(t, "it is let in after another start", again.Connected)
}

// Whoever lets the device in tells it that the time of the certificate has passed.
func TestWhoLetsTheDeviceInTellsTheTime(t *testing.T) {
	m, d := enrolled(t, time.Hour)
	old := m.server
	m.set(func() { m.server = m.authority.server(time.Now().AddDate(1, 0, 0), time.Now().AddDate(2, 0, 0)) })
	c := d.connect(t, m.url())
	go func() { _ = d.Follow(t.Context(), c) }()
	eventually(t, "an old certificate is not believed any more", func() bool {
		return m.device(d.dir).Verify("127.0.0.1", old.Leaf) != nil
	})
}
