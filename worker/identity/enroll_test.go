package identity_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/topics"
	"muster/topics/token"
	"muster/worker/identity"
)

func TestADeviceIsEnrolledAndComesBackWithItsCertificate(t *testing.T) {
	m := newManager(t)
	dir := t.TempDir()
	d := m.device(dir)
	if err := d.Enroll(within(t)); err != nil {
		t.Fatal(err)
	}
	i, enrolled := d.Identity()
	if !enrolled || i.Device != "d" || i.DeviceGroup != "g" || i.RenewAfter > 40*time.Minute || i.RenewAfter < 36*time.Minute || d.Expired() {
		t.Errorf("the identity is %+v", i)
	}
	csr, _ := m.keyOf(m.asked()[0])
	if csr.Subject.CommonName != "d" || len(csr.Extensions) != 0 || m.asked()[0].Token != m.token.Text() {
		t.Errorf("asked was for %v with extensions %v", csr.Subject, csr.Extensions)
	}
	for _, name := range []string{"identity.json", "identity-key.pem"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if _, err := identity.LoadEnrollment(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an enrollment that is over is told: %v", err)
	}

	// Without the token from now on, as another process.
	again := m.device(dir, func(o *identity.Options) { o.Token = token.Token{} })
	c := again.connect(t, m.url())
	eventually(t, "the device is connected", c.Connected)
	if len(m.asked()) != 1 {
		t.Errorf("it has asked %d times", len(m.asked()))
	}
	key, err := os.ReadFile(filepath.Join(dir, "identity-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.Split(string(key), "\n")[1]
	said := d.log.String() + again.log.String()
	kept, err := os.ReadFile(filepath.Join(dir, "identity.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, hidden := range []string{secret, m.token.Secret()} {
		if strings.Contains(said+string(kept), hidden) {
			t.Error("a secret is told")
		}
	}
}

// A device that runs something already is enrolled while it connects: the connection that this was for has its certificate at once.
func TestEnrollmentWhileConnecting(t *testing.T) {
	m := newManager(t)
	d := m.device(t.TempDir())
	c := d.connect(t, m.url())
	eventually(t, "the device is connected", c.Connected)
	if strings.Contains(d.log.String(), "cannot connect") {
		t.Errorf("the first connection failed:\n%s", d.log)
	}
}

// Whoever answers must prove to be who made the token, before it is shown.
func TestAStrangerIsNotShownTheToken(t *testing.T) {
	m := newManager(t)
	stranger := newAuthority(t, "fleet")
	m.set(func() { m.server = stranger.server(time.Now().Add(-time.Hour), time.Now().Add(time.Hour)) })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d := m.device(t.TempDir())
	done := make(chan error, 1)
	go func() { done <- d.Enroll(ctx) }()
	eventually(t, "the device says why", func() bool {
		return strings.Contains(d.log.String(), "by the authority that the enrollment token names")
	})
	m.set(func() {
		if len(m.logins) > 0 {
			t.Errorf("the stranger got %v", m.logins)
		}
		// The pinned certificate alone, without its key, proves nothing.
		m.server = stranger.server(time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
		m.server.Certificate = append(m.server.Certificate, m.authority.cert.Raw)
	})
	tries := strings.Count(d.log.String(), "not enrolled yet")
	eventually(t, "it has tried again", func() bool { return strings.Count(d.log.String(), "not enrolled yet") > tries+1 })
	m.set(func() {
		if len(m.logins) > 0 {
			t.Errorf("the stranger got %v", m.logins)
		}
	})
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A token of a later authority leads to it by way of the cross certificate.
func TestATokenOfALaterAuthority(t *testing.T) {
	m := newManager(t)
	second := newAuthority(t, "fleet 2")
	server := second.server(time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	server.Certificate = [][]byte{server.Certificate[0], m.authority.cross(second).Raw, m.authority.cert.Raw}
	for name, pin := range map[string]token.Pin{"of the first": m.authority.pin(), "of the second": second.pin()} {
		t.Run(name, func(t *testing.T) {
			m.set(func() { m.server, m.token = server, token.New(pin) })
			if err := m.device(t.TempDir()).Enroll(within(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRepliesThatAreLostAndDevicesThatDie(t *testing.T) {
	m := newManager(t)
	dir := t.TempDir()
	m.set(func() {
		m.answer = func(topics.Kind, topics.CertificateRequest) *topics.CertificateReply { return nil }
	})
	ctx, die := context.WithCancel(t.Context())
	done := make(chan error, 1)
	first := m.device(dir)
	go func() { done <- first.Enroll(ctx) }()
	eventually(t, "it has asked", func() bool { return len(m.asked()) > 0 })
	die()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := identity.Load(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is an identity without an answer: %v", err)
	}
	m.set(func() {
		m.answer = func(_ topics.Kind, r topics.CertificateRequest) *topics.CertificateReply {
			return m.issue(r, time.Hour)
		}
	})
	if err := m.device(dir).Enroll(within(t)); err != nil {
		t.Fatal(err)
	}
	asked := m.asked()
	_, before := m.keyOf(asked[0])
	if _, after := m.keyOf(asked[len(asked)-1]); !before.Equal(after) {
		t.Error("the device has made another key, and would be refused")
	}
}

func TestPendingThenApproved(t *testing.T) {
	m := newManager(t)
	dir := t.TempDir()
	n := 0
	m.set(func() {
		m.answer = func(_ topics.Kind, r topics.CertificateRequest) *topics.CertificateReply {
			if n++; n == 1 {
				return &topics.CertificateReply{State: topics.Pending, RetryIn: 1}
			}
			if e, err := identity.LoadEnrollment(dir); err != nil || e.State != topics.Pending {
				t.Errorf("people are told %+v, %v", e, err)
			}
			return m.issue(r, time.Hour)
		}
	})
	d := m.device(dir)
	if err := d.Enroll(within(t)); err != nil {
		t.Fatal(err)
	}
	if strings.Count(d.log.String(), "waits for an admin's approval") != 1 {
		t.Errorf("the log does not say once what it waits for:\n%s", d.log)
	}
}

func TestRefusals(t *testing.T) {
	m := newManager(t)
	m.set(func() {
		m.answer = func(topics.Kind, topics.CertificateRequest) *topics.CertificateReply {
			return &topics.CertificateReply{State: topics.Refused, Error: "the token has ended"}
		}
	})
	var refused *identity.RefusedError
	dir := t.TempDir()
	if err := m.device(dir).Enroll(within(t)); !errors.As(err, &refused) || refused.Why != "the token has ended" {
		t.Errorf("refused by a manager: %v", err)
	}
	if e, err := identity.LoadEnrollment(dir); err != nil || e.State != topics.Refused || !strings.Contains(e.Error, "the token has ended") {
		t.Errorf("people are told %+v, %v", e, err)
	}
	other := m.device(t.TempDir(), func(o *identity.Options) { o.Token = token.New(m.authority.pin()) })
	if err := other.Enroll(within(t)); !errors.As(err, &refused) || !strings.Contains(refused.Why, "does not take the enrollment token") {
		t.Errorf("refused by the broker: %v", err)
	}
	m.set(func() {
		m.answer = func(_ topics.Kind, r topics.CertificateRequest) *topics.CertificateReply {
			return m.issue(r, time.Hour)
		}
	})
	dir = t.TempDir()
	elsewhere := m.device(dir, func(o *identity.Options) { o.Given.DeviceGroup = "another" })
	if err := elsewhere.Enroll(within(t)); err == nil || !strings.Contains(err.Error(), `device-group: must be left out, or be that of the enrollment token, "g"; is "another"`) {
		t.Errorf("a token of another group: %v", err)
	}
	if _, err := identity.Load(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it has an identity nevertheless: %v", err)
	}
	none := m.device(t.TempDir(), func(o *identity.Options) { o.Token = token.Token{} })
	if err := none.Enroll(within(t)); err == nil || !strings.Contains(err.Error(), "no enrollment token") {
		t.Errorf("without a token: %v", err)
	}
}

// Who waits for an admin goes on to wait when the token by which it asks is of no use any more.
func TestPendingOutlivesTheToken(t *testing.T) {
	m := newManager(t)
	m.set(func() {
		m.answer = func(topics.Kind, topics.CertificateRequest) *topics.CertificateReply {
			m.token = token.New(m.authority.pin()) // the one that was shown is gone
			return &topics.CertificateReply{State: topics.Pending, RetryIn: 1}
		}
	})
	ctx, stop := context.WithCancel(within(t))
	defer stop()
	d := m.device(t.TempDir())
	done := make(chan error, 1)
	go func() { done <- d.Enroll(ctx) }()
	eventually(t, "it goes on", func() bool { return strings.Contains(d.log.String(), "does not take the enrollment token") })
	if e, err := identity.LoadEnrollment(d.dir); err != nil || e.State != topics.Pending {
		t.Errorf("people are told %+v, %v", e, err)
	}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}
