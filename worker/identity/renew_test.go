package identity_test

import (
	"context"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"muster/broker"
	"muster/topics"
)

// enrolled is a device with a certificate of that life, and the managers that gave it.
func enrolled(t *testing.T, life time.Duration) (*manager, *device) {
	t.Helper()
	m := newManager(t)
	m.set(func() {
		m.answer = func(_ topics.Kind, r topics.CertificateRequest) *topics.CertificateReply { return m.issue(r, life) }
	})
	d := m.device(t.TempDir())
	if err := d.Enroll(within(t)); err != nil {
		t.Fatal(err)
	}
	return m, d
}

// always issues certificates of an hour from now on.
func (m *manager) always(change func(*topics.CertificateReply)) {
	m.set(func() {
		m.answer = func(_ topics.Kind, r topics.CertificateRequest) *topics.CertificateReply {
			reply := m.issue(r, time.Hour)
			change(reply)
			return reply
		}
	})
}

func (d *device) serial() string {
	i, _ := d.Identity()
	return i.Certificate
}

func TestRenewalOverTheLink(t *testing.T) {
	m, d := enrolled(t, 3*time.Second)
	first := d.serial()
	second := newAuthority(t, "fleet 2")
	m.always(func(r *topics.CertificateReply) { r.Authorities += second.pem() })
	c := d.connect(t, m.url())
	ctx, stop := context.WithCancel(t.Context())
	followed := make(chan error, 1)
	go func() { followed <- d.Follow(ctx, c) }()
	eventually(t, "there is another certificate", func() bool { return d.serial() != first })
	asked := m.asked()
	if last := asked[len(asked)-1]; last.Token != "" {
		t.Error("a renewal tells the token")
	}
	_, before := m.keyOf(asked[0])
	if _, after := m.keyOf(asked[len(asked)-1]); !before.Equal(after) {
		t.Error("a renewal is for another key")
	}
	if !c.Connected() {
		t.Error("the renewal has cost the connection")
	}
	stop()
	if err := <-followed; err != nil {
		t.Error(err)
	}
	_ = c.Close()

	// The server is of the new authority now, by nothing but itself.
	m.set(func() {
		m.server = second.server(time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
		m.server.Certificate = m.server.Certificate[:1]
	})
	again := m.device(d.dir).connect(t, m.url())
	eventually(t, "the device believes the authority that it was told of", again.Connected)
}

// The newest certificate is shown on the next connection, though the client is still the same.
func TestTheNextConnectionShowsTheNewestCertificate(t *testing.T) {
	m, d := enrolled(t, 3*time.Second)
	var shown string
	m.set(func() {
		m.admit = func(leaf *x509.Certificate) (topics.Subject, error) {
			shown = encode(leaf)
			return topics.Subject{Role: topics.RoleDevice, Name: "d", Group: "g"}, nil
		}
	})
	c := d.connect(t, m.url())
	eventually(t, "the device is connected", c.Connected)
	before := d.serial()
	m.always(func(*topics.CertificateReply) {})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { _ = d.Follow(ctx, c) }()
	eventually(t, "there is another certificate", func() bool { return d.serial() != before })
	m.broker.Disconnect(broker.AdministrativeAction, func(s topics.Subject) bool { return s.Name == "d" })
	eventually(t, "the newest is shown", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return shown == d.serial()
	})
}

func TestAnExpiredCertificateIsRenewedFirst(t *testing.T) {
	m, d := enrolled(t, time.Second)
	renewing := 0
	m.set(func() {
		m.admit = func(leaf *x509.Certificate) (topics.Subject, error) {
			if time.Now().After(leaf.NotAfter) {
				renewing++
				return topics.Subject{Role: topics.RoleRenewing, Name: "d"}, nil
			}
			return topics.Subject{Role: topics.RoleDevice, Name: "d", Group: "g"}, nil
		}
	})
	m.always(func(*topics.CertificateReply) {})
	eventually(t, "the certificate has expired", d.Expired)
	c := d.connect(t, m.url())
	eventually(t, "the device is connected", c.Connected)
	m.set(func() {
		if renewing != 1 {
			t.Errorf("it came %d times to renew, want once", renewing)
		}
	})
	if d.Expired() {
		t.Error("the certificate was not renewed")
	}
}

// A device whose clock is behind takes its certificate for a good one until the broker does not.
func TestARefusedCertificateIsRenewed(t *testing.T) {
	m, d := enrolled(t, time.Hour)
	old := d.serial()
	logins := 0
	m.set(func() {
		m.admit = func(leaf *x509.Certificate) (topics.Subject, error) {
			logins++
			switch {
			case encode(leaf) != old:
				return topics.Subject{Role: topics.RoleDevice, Name: "d", Group: "g"}, nil
			case logins%2 == 1:
				return topics.Subject{}, errors.New("expired")
			}
			return topics.Subject{Role: topics.RoleRenewing, Name: "d"}, nil
		}
	})
	c := d.connect(t, m.url())
	eventually(t, "the device is connected", func() bool { return c.Connected() && d.serial() != old })
}

// Whom nobody wants any more comes back, in turns as itself and to renew, and keeps what it has.
func TestARevokedDeviceKeepsTrying(t *testing.T) {
	m, d := enrolled(t, time.Hour)
	before := d.serial()
	logins := 0
	m.set(func() {
		m.admit = func(*x509.Certificate) (topics.Subject, error) {
			logins++
			return topics.Subject{}, errors.New("revoked")
		}
	})
	c := d.connect(t, m.url())
	eventually(t, "it has tried several times", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return logins > 5
	})
	eventually(t, "it says so", func() bool {
		return strings.Contains(d.log.String(), "renew the certificate") && strings.Contains(d.log.String(), "reason code 0x86")
	})
	if d.serial() != before || c.Connected() {
		t.Error("the device has lost its identity, or got in")
	}
	m.set(func() {
		m.admit = func(*x509.Certificate) (topics.Subject, error) {
			return topics.Subject{Role: topics.RoleDevice, Name: "d", Group: "g"}, nil
		}
	})
	eventually(t, "it is let in again", c.Connected)
}

func TestADeviceThatIsMovedIsTold(t *testing.T) {
	m, d := enrolled(t, time.Hour)
	moved := m.device(d.dir)
	moved.Group = "g"
	m.always(func(r *topics.CertificateReply) { r.DeviceGroup = "other" })
	if err := moved.Renew(within(t), m.url()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-moved.Moved():
	case <-time.After(patience):
		t.Error("nobody is told")
	}
	if i, _ := m.device(d.dir).Identity(); i.DeviceGroup != "other" {
		t.Errorf("the next start is in %q", i.DeviceGroup)
	}
}
