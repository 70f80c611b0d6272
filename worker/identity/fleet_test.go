package identity_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"muster/broker"
	"muster/manager/admission"
	"muster/manager/auth"
	"muster/manager/authority"
	"muster/manager/certificate"
	"muster/manager/enroll"
	"muster/manager/store"
	"muster/manager/store/sqlite"
	"muster/test/logs"
	"muster/topics"
	"muster/topics/token"
	"muster/worker/identity"
)

// A fleet is a manager of the real parts that know devices, with certificates of some seconds.
type fleet struct {
	t           *testing.T
	store       store.Store
	authorities *authority.Fleet
	desk        *enroll.Desk
	broker      *broker.Server
	log         *logs.Buffer
}

func newFleet(t *testing.T, life time.Duration) *fleet {
	t.Helper()
	f := &fleet{t: t, log: &logs.Buffer{}}
	log := slog.New(slog.NewTextHandler(f.log, nil))
	opened, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "muster.db"), Log: log})
	must(t, err)
	t.Cleanup(func() { must(t, opened.Close()) })
	f.authorities, err = authority.Open(t.Context(), opened.Authorities(), authority.Options{
		By: "test", Identities: opened.Identities(), Grace: time.Hour, Every: 20 * time.Millisecond, Log: log,
	})
	must(t, err)
	shown, err := certificate.Issue(f.authorities, certificate.IssuedOptions{
		Names: func() ([]string, error) { return []string{"127.0.0.1"}, nil }, Every: 20 * time.Millisecond,
		Roots: func(string) error { return nil }, Log: log,
	})
	must(t, err)
	people, err := auth.New(auth.Config{AdminUser: "admin", AdminPassword: "admin", Users: opened, CacheTime: time.Second, Log: log, Cost: bcrypt.MinCost})
	must(t, err)
	gate, err := admission.New(admission.Options{
		Identities: opened.Identities(), Tokens: opened.Tokens(), Events: opened.Devices(), People: people,
		Authorities: f.authorities, Grace: time.Hour, CacheTime: 20 * time.Millisecond, Log: log,
	})
	must(t, err)
	f.store = gate.Store(opened)
	f.broker, err = broker.Listen(broker.Options{
		Root: topics.DefaultRoot, TLSAddr: "127.0.0.1:0", Authenticate: gate.Authenticate,
		TLS: certificate.AskDevices(certificate.Servers{Fleet: shown}.TLS(), gate.CheckCertificate), Log: log,
	})
	must(t, err)
	t.Cleanup(func() { must(t, f.broker.Close()) })
	gate.Guard(f.broker, func(string) string { return "" })
	f.desk, err = enroll.New(enroll.Options{
		Tokens: f.store.Tokens(), Identities: f.store.Identities(), Devices: f.store.Devices(), Audit: f.store.Audit(),
		Authority: f.authorities, Life: life, CacheTime: 20 * time.Millisecond, Log: log,
	})
	must(t, err)
	responder := enroll.NewResponder(f.broker.Client("manager"), f.desk, enroll.ResponderOptions{Root: topics.DefaultRoot, Log: log})
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { gate.Run(ctx) })
	running.Go(func() { shown.Run(ctx) })
	running.Go(func() { f.authorities.Follow(ctx) })
	running.Go(func() {
		if err := responder.Run(ctx); err != nil && ctx.Err() == nil {
			t.Errorf("the responder: %v", err)
		}
	})
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	return f
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// token makes an enrollment token for one device of group g.
func (f *fleet) token(approve bool) token.Token {
	f.t.Helper()
	made := token.New(f.authorities.Pin())
	must(f.t, f.store.Tokens().Create(f.t.Context(), store.Token{
		ID: made.ID, Kind: store.TokenEnroll, Hash: made.Hash(), Created: time.Now(), By: "admin", Expires: time.Now().Add(time.Hour),
		DeviceGroup: "g", Uses: 1, Approve: approve,
	}))
	f.desk.TokensChanged()
	return made
}

func (f *fleet) url() string { return "mqtts://" + f.broker.TLSAddr().String() }

// device is one at this fleet's managers.
func (f *fleet) device(dir string, shown token.Token, change ...func(*identity.Options)) *device {
	m := &manager{t: f.t, token: shown, broker: f.broker}
	return m.device(dir, append(change, func(o *identity.Options) { o.Token = shown })...)
}

func TestEnrollmentAtRealManagers(t *testing.T) {
	f := newFleet(t, time.Hour)
	shown := f.token(true)
	d := f.device(t.TempDir(), shown)
	enrolled := make(chan error, 1)
	go func() { enrolled <- d.Enroll(t.Context()) }()
	eventually(t, "the device waits for an admin", func() bool { return strings.Contains(d.log.String(), "waits for an admin's approval") })
	if _, _, err := f.desk.Approve(t.Context(), "d", "admin"); err != nil {
		t.Fatal(err)
	}
	// It asks again by itself half a minute later; a device that is restarted asks at once.
	d = f.device(d.dir, shown)
	must(t, d.Enroll(within(t)))
	c := d.connect(t, f.url())
	eventually(t, "the device is connected", c.Connected)

	// Revoked, it is out at once, stays out, and keeps what it has.
	if _, _, err := f.desk.Revoke(t.Context(), "d", "admin"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the device is out", func() bool { return !c.Connected() })
	eventually(t, "it has tried both ways in", func() bool { return strings.Contains(d.log.String(), "renew the certificate") })
	if c.Connected() {
		t.Error("a device that was revoked is in again")
	}
	if _, err := identity.Load(d.dir); err != nil {
		t.Error(err)
	}
	// Neither does the token help another.
	other := f.device(t.TempDir(), shown)
	if err := other.Enroll(within(t)); err == nil {
		t.Error("a token was used twice")
	}
}

func TestRenewalAtRealManagers(t *testing.T) {
	f := newFleet(t, 3*time.Second)
	d := f.device(t.TempDir(), f.token(false))
	must(t, d.Enroll(within(t)))
	c := d.connect(t, f.url())
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { _ = d.Follow(ctx, c) }()
	seen := map[string]bool{}
	eventually(t, "there were three certificates", func() bool {
		seen[d.serial()] = true
		return len(seen) >= 3
	})
	if !c.Connected() || d.Expired() {
		t.Error("renewal has cost the connection, or came too late")
	}
}

// A device is off while the authority is replaced, twice: the servers have certificates of one that it never heard of, its own
// has expired, and was issued by one that issues no more.
func TestADeviceSleepsThroughRollOvers(t *testing.T) {
	f := newFleet(t, 2*time.Second)
	d := f.device(t.TempDir(), f.token(false))
	must(t, d.Enroll(within(t)))
	first, _ := d.Identity()
	for range 2 {
		if _, err := f.authorities.Roll(t.Context(), "admin"); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "its certificate has expired", d.Expired)

	awake := f.device(d.dir, token.Token{})
	c := awake.connect(t, f.url())
	eventually(t, "the device is connected", c.Connected)
	now, _ := awake.Identity()
	if now.Authorities == first.Authorities || now.Certificate == first.Certificate {
		t.Error("it still has the old certificate, or believes the old authorities")
	}
	_ = c.Close()
	// By what it was told now it comes back.
	again := f.device(d.dir, token.Token{}).connect(t, f.url())
	eventually(t, "the device comes back", again.Connected)
}
