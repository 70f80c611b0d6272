package authority_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/manager/authority"
	"muster/manager/store"
)

// certificate is one of an authority that ends then.
func certificate(authority string, left time.Duration) store.IssuedCertificate {
	return store.IssuedCertificate{Serial: "7f", Authority: authority, NotAfter: time.Now().Add(left)}
}

// aged makes all authorities older, so that every manager has heard of them, and returns one that has.
func (r *rig) aged() *authority.Fleet {
	r.Helper()
	names, err := r.store.Authorities().Names(r.Context())
	r.must(err)
	for _, id := range names {
		_, err := r.store.Authorities().Modify(r.Context(), id, func(a *store.Authority) error { a.Created = a.Created.Add(-day); return nil })
		r.must(err)
	}
	return r.open()
}

func TestRetireWaitsForThoseWhoWouldBeLockedOut(t *testing.T) {
	for name, test := range map[string]struct {
		state  store.IdentityState
		issued []store.IssuedCertificate
		waits  bool
	}{
		"its only one":                             {store.IdentityActive, []store.IssuedCertificate{certificate("1", day)}, true},
		"ended, may be renewed":                    {store.IdentityActive, []store.IssuedCertificate{certificate("1", day-grace)}, true},
		"ended for too long":                       {store.IdentityActive, []store.IssuedCertificate{certificate("1", -day-grace)}, false},
		"renewed, and the answer may be lost":      {store.IdentityActive, []store.IssuedCertificate{certificate("2", life), certificate("1", day)}, true},
		"renewed, the old one has ended":           {store.IdentityActive, []store.IssuedCertificate{certificate("2", life), certificate("1", -time.Hour)}, false},
		"of the next one only":                     {store.IdentityActive, []store.IssuedCertificate{certificate("2", life)}, false},
		"revoked":                                  {store.IdentityRevoked, []store.IssuedCertificate{certificate("1", day)}, false},
		"with a secret instead":                    {store.IdentityActive, nil, false},
		"of an authority whose ID begins alike":    {store.IdentityActive, []store.IssuedCertificate{certificate("10", day)}, false},
		"renewed twice, one of the old ones lives": {store.IdentityActive, []store.IssuedCertificate{certificate("2", life), certificate("2", life), certificate("1", day)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			fleet := r.open()
			r.roll(fleet)
			fleet = r.aged()
			r.identify("d-7", test.state, test.issued...)
			info, err := fleet.Retire(t.Context(), "1", false)
			if held, countErr := fleet.Holders(t.Context(), "1"); countErr != nil || (held == 1) != test.waits {
				t.Errorf("%d devices are said to need it (%v)", held, countErr)
			}
			if !test.waits {
				if err != nil || info.Retired == nil {
					t.Errorf("got %+v, %v", info, err)
				}
				return
			}
			if !errors.Is(err, authority.ErrInUse) || !strings.Contains(err.Error(), "d-7") || !strings.Contains(err.Error(), " 1 ") {
				t.Errorf("got %v, want that one device, d-7, has a certificate", err)
			}
			if got, _ := fleet.Get("1"); got.Retired != nil {
				t.Error("it is retired all the same")
			}
			if info, err := fleet.Retire(t.Context(), "1", true); err != nil || info.Retired == nil {
				t.Errorf("forced: %+v, %v", info, err)
			}
		})
	}
}

// While other managers may still issue by an authority, nobody can tell who has a certificate of it.
func TestRetireWaitsForOtherManagers(t *testing.T) {
	r := newRig(t)
	fleet := r.open()
	r.roll(fleet)
	if _, err := fleet.Retire(t.Context(), "1", false); !errors.Is(err, authority.ErrInUse) || !strings.Contains(err.Error(), "other managers") {
		t.Errorf("got %v", err)
	}
	_, err := r.aged().Retire(t.Context(), "1", false)
	r.must(err)
}

func TestRetireRefused(t *testing.T) {
	r := newRig(t)
	fleet := r.open()
	if _, err := fleet.Retire(t.Context(), "1", true); !errors.Is(err, authority.ErrIssuing) {
		t.Errorf("the only one: %v", err)
	}
	r.roll(fleet)
	for id, want := range map[string]error{"2": authority.ErrIssuing, "3": store.ErrNotFound, "": store.ErrNotFound, "01": store.ErrNotFound} {
		if _, err := fleet.Retire(t.Context(), id, true); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", id, err, want)
		}
	}
	once, err := fleet.Retire(t.Context(), "1", true)
	r.must(err)
	again, err := fleet.Retire(t.Context(), "1", false)
	if err != nil || !again.Retired.Equal(*once.Retired) {
		t.Errorf("again: %+v, %v", again, err)
	}
	// The way back is open to devices that slept, though nobody is believed by it.
	server, err := fleet.IssueServer([]string{"127.0.0.1"}, life)
	r.must(err)
	if _, err, _ := handshake(t, server, pool(certificates(t, once.Certificate)...)); err != nil {
		t.Errorf("whoever believes the retired one: %v", err)
	}
	if strings.Contains(fleet.Roots(), once.Certificate) {
		t.Error("devices are still told to believe the retired one")
	}
}

// Other managers hear of what one of them does, and tell their servers.
func TestManagersFollow(t *testing.T) {
	r := newRig(t)
	one, other := r.open(), r.open()
	follow := func(what string, act func() error) {
		t.Helper()
		changed := other.Changed()
		r.must(act())
		select {
		case <-changed:
			t.Fatalf("%s: it knows before it looks", what)
		default:
		}
		r.must(other.Refresh(t.Context()))
		select {
		case <-changed:
		default:
			t.Errorf("%s: nobody is told", what)
		}
		if other.Roots() != one.Roots() || other.Pin() != one.Pin() {
			t.Errorf("%s: it knows others", what)
		}
		changed = other.Changed()
		r.must(other.Refresh(t.Context()))
		select {
		case <-changed:
			t.Errorf("%s: they are told of nothing new", what)
		default:
		}
	}
	follow("roll", func() error { _, err := one.Roll(t.Context(), "ada"); return err })
	d := r.device(other, "d")
	if d.issued.Authority != "2" {
		t.Errorf("it issues by %s", d.issued.Authority)
	}
	follow("retire", func() error { _, err := one.Retire(t.Context(), "1", true); return err })
}

// An authority that goes away, or is damaged, while a manager runs changes nothing: devices stay in.
func TestWhatGoesWrongInTheStoreChangesNothing(t *testing.T) {
	for name, harm := range map[string]func(r *rig) error{
		"one is gone": func(r *rig) error { return r.store.Authorities().Delete(r.Context(), "1") },
		"all are gone": func(r *rig) error {
			return errors.Join(r.store.Authorities().Delete(r.Context(), "1"), r.store.Authorities().Delete(r.Context(), "2"))
		},
		"damaged": func(r *rig) error {
			_, err := r.store.Authorities().Modify(r.Context(), "2", func(a *store.Authority) error { a.Certificate = "x"; return nil })
			return err
		},
		"another one in its place": func(r *rig) error {
			from := newRig(r.T)
			from.roll(from.open())
			docs, err := from.store.Authorities().All(r.Context())
			for n := range docs {
				_, failed := r.store.Authorities().Modify(r.Context(), docs[n].ID, func(a *store.Authority) error { *a = docs[n]; return nil })
				err = errors.Join(err, failed)
			}
			return err
		},
		"the store is closed": func(r *rig) error { return r.store.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			fleet := r.open()
			r.roll(fleet)
			roots, d := fleet.Roots(), r.device(fleet, "d")
			r.must(harm(r))
			if err := fleet.Refresh(t.Context()); err == nil {
				t.Error("nothing is said")
			}
			if fleet.Roots() != roots {
				t.Error("others are believed now")
			}
			if _, _, err := fleet.Verify(d.chain, time.Now(), 0); err != nil {
				t.Errorf("a device: %v", err)
			}
			r.device(fleet, "e")
			if _, err := fleet.Roll(t.Context(), "ada"); err == nil {
				t.Error("it rolls all the same")
			}
		})
	}
}

// Follow looks now and then, and says once that it cannot.
func TestFollow(t *testing.T) {
	r := newRig(t)
	one := r.open()
	docs := &documents{Documents: r.store.Authorities()}
	o := r.options()
	o.Every = 20 * time.Millisecond
	other, err := authority.Open(t.Context(), docs, o)
	r.must(err)
	go other.Follow(t.Context())
	changed := other.Changed()
	r.roll(one)
	<-changed
	docs.fail.Store(true)
	for before := docs.reads.Load(); docs.reads.Load() < before+5; {
		time.Sleep(time.Millisecond) // until it has looked a few times
	}
	docs.fail.Store(false)
	for !strings.Contains(r.log.String(), "can be read again") {
		time.Sleep(time.Millisecond)
	}
	if n := strings.Count(r.log.String(), "stay as they were known"); n != 1 {
		t.Errorf("it is said %d times: %s", n, &r.log)
	}
	if other.Pin() != one.Pin() {
		t.Error("it knows another one")
	}
}

func TestTheEndOfAnAuthority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := newMemory()
		r := &rig{T: t}
		o := authority.Options{Every: day, Grace: grace, Log: slog.New(slog.NewTextHandler(&r.log, nil))}
		fleet, err := authority.Open(t.Context(), docs, o)
		r.must(err)
		if strings.Contains(r.log.String(), "WARN") {
			t.Errorf("a new one ends soon: %s", &r.log)
		}
		end := fleet.List()[0].NotAfter
		if years := time.Until(end).Hours() / 24 / 365; years < 19.9 || years > 20.1 {
			t.Errorf("it lasts %v years", years)
		}
		time.Sleep(time.Until(end) - 30*day)
		if fleet, err = authority.Open(t.Context(), docs, o); err != nil || !strings.Contains(r.log.String(), "muster ca roll") {
			t.Errorf("nobody is warned: %v: %s", err, &r.log)
		}
		for what, last := range map[string]func() (time.Time, error){
			"device": func() (time.Time, error) {
				_, issued, err := fleet.IssueDevice("d", newKey(t).Public(), life)
				return issued.NotAfter, err
			},
			"server": func() (time.Time, error) {
				pair, err := fleet.IssueServer([]string{"s"}, life)
				if err != nil {
					return time.Time{}, err
				}
				return pair.Leaf.NotAfter, nil
			},
		} {
			if at, err := last(); err != nil || !at.Equal(end) {
				t.Errorf("a %s's certificate ends at %v (%v), its authority at %v", what, at, err, end)
			}
		}
		r.roll(fleet)
		time.Sleep(60 * day)
		server, err := fleet.IssueServer([]string{"s"}, life)
		r.must(err)
		if len(server.Certificate) != 2 || hasPin(t, server, tokenPin(t, fleet.List()[0])) {
			t.Errorf("once the first has ended, the server shows %d certificates", len(server.Certificate))
		}
		if _, _, err := fleet.IssueDevice("d", newKey(t).Public(), 0); err == nil {
			t.Error("a certificate of no life is issued")
		}
	})
}

func TestIssueRefuses(t *testing.T) {
	r := newRig(t)
	fleet := r.open()
	for _, name := range []string{"", "a/b", "+", "a b", "ü", strings.Repeat("x", 65)} {
		if _, _, err := fleet.IssueDevice(name, newKey(t).Public(), life); err == nil {
			t.Errorf("device %q gets a certificate", name)
		}
	}
	for _, names := range [][]string{nil, {""}, {"a", ""}, {"ü"}} {
		if _, err := fleet.IssueServer(names, life); err == nil {
			t.Errorf("a server of the names %q gets a certificate", names)
		}
	}
	seen := map[string]bool{}
	for n := range 50 {
		d := r.device(fleet, fmt.Sprint("d", n))
		if serial := d.chain[0].SerialNumber; seen[d.issued.Serial] || serial.Text(16) != d.issued.Serial || serial.BitLen() < 120 {
			t.Errorf("serial number %s of a certificate with %v", d.issued.Serial, serial)
		}
		seen[d.issued.Serial] = true
	}
}
