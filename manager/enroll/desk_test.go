package enroll

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/manager/enroll/enrolltest"
	"muster/manager/store"
	"muster/topics"
	"muster/topics/token"
)

func TestADeviceIsEnrolledOnce(t *testing.T) {
	r := newRig(t)
	tok, key := r.token(), enrolltest.Key(t)
	reply := r.ask(topics.Issued, "d1", key, tok)
	block, _ := pem.Decode([]byte(reply.Certificate))
	cert, err := x509.ParseCertificate(block.Bytes)
	r.must(err)
	if cert.Subject.CommonName != "d1" || !key.PublicKey.Equal(cert.PublicKey) {
		t.Errorf("the certificate is of %v, or of another key", cert.Subject)
	}
	third := int64(DefaultLife.Seconds()) / 3
	if reply.DeviceGroup != "shops" || reply.BrokerURL != "mqtts://muster.example:8883" || reply.Authorities == "" || reply.RenewIn > 2*third || reply.RenewIn < 2*third-60 {
		t.Errorf("the answer is %+v", reply)
	}
	i := r.identity("d1")
	if i.State != store.IdentityActive || i.DeviceGroup != "shops" || i.TokenID != tok.ID || !bytes.Equal(i.PublicKey, cert.RawSubjectPublicKeyInfo) ||
		len(i.Certificates) != 1 || i.Certificates[0].Authority != "1" || i.Requested.IsZero() {
		t.Errorf("the identity is %+v", i)
	}
	if len(r.changed) == 0 || r.changed[len(r.changed)-1].State != store.IdentityActive {
		t.Errorf("others hear of %+v", r.changed)
	}

	// The reply got lost, and the token has ended since.
	_, err = r.store.Tokens().Modify(t.Context(), tok.ID, func(t *store.Token) error { t.Expires = time.Now().Add(-time.Hour); return nil })
	r.must(err)
	r.TokensChanged()
	r.ask(topics.Issued, "d1", key, tok)
	if n := r.used(tok); n != 1 {
		t.Errorf("%d uses are taken, want 1", n)
	}

	device, err := r.store.Devices().Get(t.Context(), "d1")
	r.must(err)
	if device.DeviceGroup != "shops" || len(device.Events) != 1 || device.Events[0].Kind != store.EventEnrolled {
		t.Errorf("what is known of the device: %+v", device)
	}
	entries, err := r.store.Audit().Page(t.Context(), store.AuditQuery{}, 10)
	r.must(err)
	if len(entries) != 1 || entries[0].Action != "enroll" || entries[0].Name != "d1" || entries[0].By != token.EnrollUser(tok.ID) || entries[0].RequestID != "r1" {
		t.Errorf("the audit trail has %+v", entries)
	}
	if log := r.log.String(); strings.Contains(log, tok.Secret()) {
		t.Errorf("the log has the token's secret: %s", log)
	}
}

func TestTokensThatAreOfNoUse(t *testing.T) {
	r := newRig(t)
	key := enrolltest.Key(t)
	good := r.token()
	r.ask(topics.Issued, "first", enrolltest.Key(t), good)
	wrongSecret, err := token.Parse(good.ID + "." + token.New(token.Pin{}).Secret())
	r.must(err)
	for name, tc := range map[string]struct {
		token token.Token
		want  string
	}{
		"used up":        {good, "no uses left"},
		"wrong secret":   {wrongSecret, "unknown"},
		"never made":     {token.New(token.Pin{}), "unknown"},
		"ended":          {r.token(func(t *store.Token) { t.Expires = time.Now() }), "expired"},
		"without an end": {r.token(func(t *store.Token) { t.Expires = time.Time{} }), "expired"},
		"of another":     {r.token(func(t *store.Token) { t.Device = "d2" }), "another device"},
		"of the API":     {r.token(func(t *store.Token) { t.Kind = store.TokenAPI }), "not an enrollment token"},
		"without a hash": {r.token(func(t *store.Token) { t.Hash = nil }), "unknown"},
	} {
		if reply := r.ask(topics.Refused, "d1", key, tc.token); !strings.Contains(reply.Error, tc.want) {
			t.Errorf("%s: refused because %q, want %q", name, reply.Error, tc.want)
		}
		if row, err := r.store.Tokens().Get(t.Context(), tc.token.ID); err == nil && row.Used > 1 {
			t.Errorf("%s: %d uses are taken", name, row.Used)
		}
	}
	for _, text := range []string{"", good.ID, good.Text() + "x", strings.Repeat("A", topics.MaxToken)} {
		reply := r.check(topics.Refused, r.Enroll(t.Context(), "d1", enrolltest.Request(t, "d1", key, text)))
		if !strings.Contains(reply.Error, "token: must be a token") {
			t.Errorf("%q is refused because %q", text, reply.Error)
		}
	}
	if _, err := r.store.Identities().Get(t.Context(), "d1"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a device that was refused has an identity: %v", err)
	}
}

func TestNobodyTakesOverADevice(t *testing.T) {
	r := newRig(t)
	tok := r.token(func(t *store.Token) { t.Uses = 10 })
	r.ask(topics.Issued, "d1", enrolltest.Key(t), tok)
	before := r.identity("d1")
	if reply := r.ask(topics.Refused, "d1", enrolltest.Key(t), tok); !strings.Contains(reply.Error, "another key") {
		t.Errorf("refused because %q", reply.Error)
	}
	// A request of one device under the name of another.
	reply := r.check(topics.Refused, r.Enroll(t.Context(), "d1", enrolltest.Request(t, "d2", enrolltest.Key(t), tok.Text())))
	if !strings.Contains(reply.Error, "common name") {
		t.Errorf("refused because %q", reply.Error)
	}
	if after := r.identity("d1"); !bytes.Equal(before.PublicKey, after.PublicKey) || after.Changed != before.Changed {
		t.Errorf("the identity was %+v and is %+v", before, after)
	}
	if r.used(tok) != 1 {
		t.Errorf("%d uses are taken, want 1", r.used(tok))
	}
	device, err := r.store.Devices().Get(t.Context(), "d1")
	r.must(err)
	if device.Events[0].Kind != store.EventRefused {
		t.Errorf("the device's events are %v", device.Events)
	}
	// A device with a secret has no key that could ask for a certificate.
	_, err = r.store.Identities().Create(t.Context(), store.Identity{Device: "s1", DeviceGroup: "shops", State: store.IdentityActive, SecretHash: []byte("x")})
	r.must(err)
	r.ask(topics.Refused, "s1", enrolltest.Key(t), tok)
}

func TestAnotherTokenOfTheSameDevice(t *testing.T) {
	r := newRig(t)
	key := enrolltest.Key(t)
	r.ask(topics.Issued, "d1", key, r.token())
	same, elsewhere := r.token(), r.token(func(t *store.Token) { t.DeviceGroup = "other" })
	r.ask(topics.Issued, "d1", key, same)
	if r.used(same) != 0 {
		t.Errorf("a device that is enrolled has used up a token")
	}
	if reply := r.ask(topics.Refused, "d1", key, elsewhere); !strings.Contains(reply.Error, "another device_group") {
		t.Errorf("refused because %q", reply.Error)
	}
	if i := r.identity("d1"); i.DeviceGroup != "shops" {
		t.Errorf("the device is in %q now", i.DeviceGroup)
	}
	r.ask(topics.Refused, "d1", key, r.token(func(t *store.Token) { t.Expires = time.Now() }))
}

func TestOneUseIsOneDevice(t *testing.T) {
	for what, twoDevices := range map[string]bool{"of one device with one key": false, "of two devices": true} {
		r := newRig(t)
		tok, key, other := r.token(), enrolltest.Key(t), enrolltest.Key(t)
		var all sync.WaitGroup
		replies := make([]topics.CertificateReply, 16)
		for n := range replies {
			device, key := "d1", key
			if twoDevices && n%2 == 1 {
				device, key = "d2", other
			}
			asked := enrolltest.Request(t, device, key, tok.Text())
			all.Go(func() { replies[n] = r.Enroll(t.Context(), device, asked) })
		}
		all.Wait()
		states := map[string]int{}
		for _, reply := range replies {
			states[reply.State]++
		}
		identities, err := r.store.Identities().List(t.Context(), store.IdentityFilter{}, "", 10)
		r.must(err)
		if len(identities) != 1 || r.used(tok) != 1 {
			t.Errorf("%s: %d identities and %d uses, want one of each", what, len(identities), r.used(tok))
		}
		if !twoDevices && states[topics.Refused] > 0 || twoDevices && (states[topics.Issued] == 0 || states[topics.Refused] != 8) {
			t.Errorf("%s: the answers are %v", what, states)
		}
	}
}

func TestAManagerThatDiesInBetween(t *testing.T) {
	r := newRig(t)
	tok, key := r.token(), enrolltest.Key(t)
	// It took the use, and no more.
	r.must(r.takeUse(t.Context(), tok.ID, "d1", time.Now()))
	if reply := r.ask(topics.Refused, "d2", enrolltest.Key(t), tok); !strings.Contains(reply.Error, "no uses left") {
		t.Errorf("refused because %q", reply.Error)
	}
	r.ask(topics.Issued, "d1", key, tok)
	if r.used(tok) != 1 {
		t.Errorf("%d uses are taken, want 1", r.used(tok))
	}
	// The device is deleted: the token is used up all the same.
	_, had, err := r.Forget(t.Context(), "d1")
	if err != nil || !had {
		t.Fatalf("forget: %v, had an identity: %v", err, had)
	}
	r.ask(topics.Refused, "d1", key, tok)
}

func TestTakingDoesNotGrow(t *testing.T) {
	r := newRig(t)
	tok := r.token(func(t *store.Token) { t.Uses = 10_000 })
	r.must(r.takeUse(t.Context(), tok.ID, "interrupted", time.Now()))
	var names []string
	for n := range maxTaking {
		names = append(names, fmt.Sprint("d", n))
		r.must(r.takeUse(t.Context(), tok.ID, names[n], time.Now()))
		_, err := r.store.Identities().Create(t.Context(), store.Identity{Device: names[n], DeviceGroup: "shops", State: store.IdentityActive, PublicKey: []byte("k")})
		r.must(err)
	}
	row, err := r.store.Tokens().Get(t.Context(), tok.ID)
	r.must(err)
	if len(row.Taking) > recent+2 || row.Used != 1+maxTaking {
		t.Errorf("%d names are kept, %d uses are taken", len(row.Taking), row.Used)
	}
	// One whose identity was not made, and those of which another manager may have been asked at the same time.
	for _, name := range append(names[len(names)-recent:], "interrupted") {
		r.must(r.takeUse(t.Context(), tok.ID, name, time.Now()))
	}
	if used := r.used(tok); used != 1+maxTaking {
		t.Errorf("a use was taken again: %d are taken", used)
	}
}

// A meanwhile lets something happen after it was first found that a device has no identity.
type meanwhile struct {
	store.Identities
	once    sync.Once
	happens func()
}

func (m *meanwhile) Get(ctx context.Context, device string) (store.Identity, error) {
	i, err := m.Identities.Get(ctx, device)
	if errors.Is(err, store.ErrNotFound) {
		m.once.Do(m.happens)
	}
	return i, err
}

// A device repeats itself, and is enrolled and taken off the token's list before it is looked at the repetition.
func TestARepetitionTakesNoUse(t *testing.T) {
	late := new(meanwhile)
	r := newRig(t, func(o *Options) { late.Identities, o.Identities = o.Identities, late })
	tok, key := r.token(func(t *store.Token) { t.Uses = 2 }), enrolltest.Key(t)
	late.happens = func() {
		first := r.o
		first.Identities = late.Identities
		desk, err := New(first)
		r.must(err)
		r.check(topics.Issued, desk.Enroll(t.Context(), "d1", enrolltest.Request(t, "d1", key, tok.Text())))
		_, err = r.store.Tokens().Modify(t.Context(), tok.ID, func(t *store.Token) error { t.Taking = nil; return nil })
		r.must(err)
	}
	r.ask(topics.Issued, "d1", key, tok)
	r.ask(topics.Issued, "d2", enrolltest.Key(t), tok)
	if used := r.used(tok); used != 2 {
		t.Errorf("%d uses are taken, want 2", used)
	}
}
