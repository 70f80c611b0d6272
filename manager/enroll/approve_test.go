package enroll

import (
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/manager/enroll/enrolltest"
	"muster/manager/store"
	"muster/topics"
)

func needsApproval(t *store.Token) { t.Approve = true }

func TestAnAdminDecides(t *testing.T) {
	r := newRig(t)
	tok, key := r.token(needsApproval), enrolltest.Key(t)
	if reply := r.ask(topics.Pending, "d1", key, tok); reply.RetryIn < 30 || reply.RetryIn > 60 {
		t.Errorf("the device is told to ask again in %d s", reply.RetryIn)
	}
	r.ask(topics.Pending, "d1", key, tok)
	r.ask(topics.Refused, "d1", enrolltest.Key(t), tok)
	if reply := r.check(topics.Pending, r.Renew(t.Context(), "d1", enrolltest.Request(t, "d1", key, ""))); reply.Certificate != "" {
		t.Error("a device that waits gets a certificate by renewing")
	}
	if i := r.identity("d1"); i.State != store.IdentityPending || len(i.Certificates) != 0 || r.used(tok) != 1 {
		t.Errorf("the identity is %+v, %d uses are taken", i, r.used(tok))
	}
	before, after, err := r.Approve(t.Context(), "d1", "alice")
	if err != nil || before.State != store.IdentityPending || after.State != store.IdentityActive || after.By != "alice" || after.Approved.IsZero() {
		t.Errorf("approved: %v, from %+v to %+v", err, before, after)
	}
	if before, after, err := r.Approve(t.Context(), "d1", "bob"); err != nil || before.Changed != after.Changed || after.By != "alice" {
		t.Errorf("approved once more: %v, %+v", err, after)
	}
	// The token has ended meanwhile.
	_, err = r.store.Tokens().Modify(t.Context(), tok.ID, func(t *store.Token) error { t.Expires = time.Now(); return nil })
	r.must(err)
	r.TokensChanged()
	r.ask(topics.Issued, "d1", key, tok)

	kinds := []string{}
	device, err := r.store.Devices().Get(t.Context(), "d1")
	r.must(err)
	for _, e := range device.Events {
		kinds = append(kinds, e.Kind)
	}
	if got := strings.Join(kinds, " "); got != "enrolled approved refused pending" {
		t.Errorf("the events are %s", got)
	}
}

func TestWhoIsShutOutStaysOut(t *testing.T) {
	r := newRig(t)
	tok := r.token(needsApproval, func(t *store.Token) { t.Uses = 10 })
	denied, stolen := enrolltest.Key(t), enrolltest.Key(t)
	r.ask(topics.Pending, "d1", denied, tok)
	r.ask(topics.Issued, "d2", stolen, r.token())
	for _, device := range []string{"d1", "d2"} {
		before, after, err := r.Revoke(t.Context(), device, "alice")
		if err != nil || before.State == store.IdentityRevoked || after.State != store.IdentityRevoked || after.By != "alice" || after.Revoked.IsZero() {
			t.Errorf("%s revoked: %v, %+v", device, err, after)
		}
		if _, again, err := r.Revoke(t.Context(), device, "bob"); err != nil || again.By != "alice" {
			t.Errorf("%s revoked once more: %v, %+v", device, err, again)
		}
		if _, _, err := r.Approve(t.Context(), device, "bob"); !errors.Is(err, ErrRevoked) {
			t.Errorf("%s approved after that: %v", device, err)
		}
		if last := r.changed[len(r.changed)-1]; last.Device != device || last.State != store.IdentityRevoked {
			t.Errorf("others hear of %+v", last)
		}
	}
	r.ask(topics.Refused, "d1", denied, tok)
	r.ask(topics.Refused, "d2", stolen, tok)
	r.check(topics.Refused, r.Renew(t.Context(), "d2", enrolltest.Request(t, "d2", stolen, "")))
	for _, act := range []func() error{
		func() error { _, _, err := r.Approve(t.Context(), "d3", "a"); return err },
		func() error { _, _, err := r.Revoke(t.Context(), "d3", "a"); return err },
	} {
		if err := act(); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("of a device that is not there: %v", err)
		}
	}
}

// Two managers have the same device before them: whatever comes first, who is shut out is not in, and has no certificate after that.
func TestOneManagerApprovesAndAnotherRevokes(t *testing.T) {
	r := newRig(t)
	other, err := New(r.o)
	r.must(err)
	tok := r.token(needsApproval, func(t *store.Token) { t.Uses = 50 })
	for n := range 50 {
		device, key := fmt.Sprint("d", n), enrolltest.Key(t)
		r.ask(topics.Pending, device, key, tok)
		asks := enrolltest.Request(t, device, key, tok.Text())
		var all sync.WaitGroup
		all.Go(func() {
			if _, _, err := r.Approve(t.Context(), device, "alice"); err != nil && !errors.Is(err, ErrRevoked) {
				t.Error(err)
			}
		})
		all.Go(func() {
			if _, _, err := other.Revoke(t.Context(), device, "bob"); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() { r.Enroll(t.Context(), device, asks) })
		all.Wait()
		i := r.identity(device)
		if i.State != store.IdentityRevoked || i.By != "bob" {
			t.Errorf("%s is %s by %s", device, i.State, i.By)
		}
		r.ask(topics.Refused, device, key, tok)
		if now := r.identity(device); len(now.Certificates) != len(i.Certificates) {
			t.Errorf("%s has a certificate since it was shut out", device)
		}
		r.refused.limits.Purge()
	}
}

func TestRenewal(t *testing.T) {
	r := newRig(t)
	key := enrolltest.Key(t)
	r.check(topics.Refused, r.Renew(t.Context(), "d1", enrolltest.Request(t, "d1", key, "")))
	r.ask(topics.Issued, "d1", key, r.token())
	for range store.MaxCertificates {
		r.check(topics.Issued, r.Renew(t.Context(), "d1", enrolltest.Request(t, "d1", key, "")))
	}
	i := r.identity("d1")
	if len(i.Certificates) != store.MaxCertificates || i.Certificates[0].Serial == i.Certificates[1].Serial {
		t.Errorf("the certificates are %+v", i.Certificates)
	}
	if reply := r.check(topics.Refused, r.Renew(t.Context(), "d1", enrolltest.Request(t, "d1", enrolltest.Key(t), ""))); !strings.Contains(reply.Error, "another key") {
		t.Errorf("refused because %q", reply.Error)
	}
	r.check(topics.Refused, r.Renew(t.Context(), "d1", enrolltest.Request(t, "d2", key, "")))
	_, had, err := r.Forget(t.Context(), "d1")
	if err != nil || !had {
		t.Fatalf("forget: %v, had an identity: %v", err, had)
	}
	if last := r.changed[len(r.changed)-1]; last.Device != "d1" || last.State != "" {
		t.Errorf("others hear of %+v", last)
	}
	r.check(topics.Refused, r.Renew(t.Context(), "d1", enrolltest.Request(t, "d1", key, "")))
	if _, had, err := r.Forget(t.Context(), "d1"); err != nil || had {
		t.Errorf("forgotten twice: %v, had an identity: %v", err, had)
	}
}

func TestNotTooOften(t *testing.T) {
	r := newRig(t)
	key := enrolltest.Key(t)
	tok := r.token(func(t *store.Token) { t.Uses = 1000 })
	r.ask(topics.Issued, "d1", key, tok)
	renew := func() topics.CertificateReply {
		return r.Renew(t.Context(), "d1", enrolltest.Request(t, "d1", key, ""))
	}
	issued := 1
	for ; issued < 100 && renew().State == topics.Issued; issued++ {
	}
	if issued != 10 {
		t.Errorf("a device had %d certificates at once, want 10", issued)
	}
	if reply := r.check(topics.Retry, renew()); reply.RetryIn < 30 {
		t.Errorf("it is told to ask again in %d s", reply.RetryIn)
	}
	// Whoever has the token and is refused again and again is told to come back, until it does not help any more.
	refused := 0
	for ; refused < 100 && r.Enroll(t.Context(), "d1", enrolltest.Request(t, "d1", enrolltest.Key(t), tok.Text())).State == topics.Refused; refused++ {
	}
	if refused < 20 || refused > 40 {
		t.Errorf("refused %d times at once, want 20", refused)
	}
	if lines := strings.Count(r.log.String(), "no certificate for a device"); lines != refused {
		t.Errorf("%d refusals are logged in %d lines", refused, lines)
	}
	// They cannot do that to a device that is there: its reply got lost.
	other := r.token(func(t *store.Token) { t.Uses = 1000 })
	known := enrolltest.Key(t)
	r.ask(topics.Issued, "known", known, other)
	for range 100 {
		r.Enroll(t.Context(), "known", enrolltest.Request(t, "known", enrolltest.Key(t), other.Text()))
	}
	r.ask(topics.Retry, "stranger", enrolltest.Key(t), other)
	r.ask(topics.Issued, "known", known, other)
	refused = strings.Count(r.log.String(), "no certificate for a device")
	// Strangers cannot do that to those who have a token.
	for range 100 {
		r.Enroll(t.Context(), "d2", enrolltest.Request(t, "d2", key, "junk"))
	}
	if lines := strings.Count(r.log.String(), "no certificate for a device"); lines > refused+40 {
		t.Errorf("%d lines are logged of what a stranger asks", lines-refused)
	}
	r.ask(topics.Issued, "d3", enrolltest.Key(t), r.token())
}

func TestTroubleIsNoRefusal(t *testing.T) {
	fake := enrolltest.NewAuthority(t)
	r := newRig(t, func(o *Options) { o.Authority = fake })
	tok, key := r.token(), enrolltest.Key(t)
	fake.Fail = errors.New("no key")
	if reply := r.ask(topics.Retry, "d1", key, tok); strings.Contains(reply.Error, "no key") || reply.RetryIn == 0 {
		t.Errorf("the answer is %+v", reply)
	}
	if log := r.log.String(); !strings.Contains(log, "no key") {
		t.Errorf("the log does not tell why: %s", log)
	}
	fake.Fail = nil
	r.ask(topics.Issued, "d1", key, tok)
	if r.used(tok) != 1 {
		t.Errorf("%d uses are taken, want 1", r.used(tok))
	}
	r.must(r.store.Close())
	r.ask(topics.Retry, "d1", key, tok)
	r.check(topics.Retry, r.Renew(t.Context(), "d1", enrolltest.Request(t, "d1", key, "")))
}

func TestTokensThatEndedAreSwept(t *testing.T) {
	r := newRig(t)
	ended := func(ago time.Duration) func(*store.Token) {
		return func(t *store.Token) { t.Expires = time.Now().Add(-ago) }
	}
	waiting := r.token(needsApproval)
	r.ask(topics.Pending, "d1", enrolltest.Key(t), waiting)
	_, err := r.store.Tokens().Modify(t.Context(), waiting.ID, func(t *store.Token) error { ended(2 * keptAfterEnd)(t); return nil })
	r.must(err)
	old, api := r.token(ended(keptAfterEnd+time.Minute)), r.token(ended(2*keptAfterEnd), func(t *store.Token) { t.Kind = store.TokenAPI })
	keep := map[string]bool{
		waiting.ID: true, r.token(ended(time.Hour)).ID: true, r.token().ID: true,
		r.token(func(t *store.Token) { t.Kind, t.Expires = store.TokenAPI, time.Time{} }).ID: true,
	}
	sweeper := &Sweeper{r.store.Tokens(), r.store.Identities(), slog.New(slog.DiscardHandler)}
	r.must(sweeper.sweep(t.Context(), time.Now()))
	names, err := r.store.Tokens().Names(t.Context())
	r.must(err)
	for _, name := range names {
		if !keep[name] {
			t.Errorf("token %s is still there (old %s, of the API %s)", name, old.ID, api.ID)
		}
	}
	if len(names) != len(keep) {
		t.Errorf("%d tokens are left, want %d", len(names), len(keep))
	}
}

// An interrupted authority lets something happen while it issues.
type interrupted struct {
	Authority
	happens func()
}

func (a *interrupted) IssueDevice(device string, key crypto.PublicKey, life time.Duration) (string, store.IssuedCertificate, error) {
	a.happens()
	return a.Authority.IssueDevice(device, key, life)
}

func TestADeviceIsShutOutWhileItsCertificateIsMade(t *testing.T) {
	late := new(interrupted)
	r := newRig(t, func(o *Options) { late.Authority, o.Authority = o.Authority, late })
	late.happens = func() {
		_, _, err := r.Revoke(t.Context(), "d1", "alice")
		r.must(err)
	}
	tok, key := r.token(), enrolltest.Key(t)
	if reply := r.ask(topics.Retry, "d1", key, tok); reply.Certificate != "" {
		t.Error("it has a certificate")
	}
	r.ask(topics.Refused, "d1", key, tok)
}
