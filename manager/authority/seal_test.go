package authority_test

import (
	"bytes"
	"strings"
	"testing"

	"muster/manager/authority"
)

func TestSealsThatAreTooShort(t *testing.T) {
	for _, secret := range []string{"", "secret", strings.Repeat("x", 31), "  " + strings.Repeat("x", 31) + "\n\n"} {
		if _, err := authority.NewSeal([]byte(secret)); err == nil || !strings.Contains(err.Error(), "32") || secret != "" && strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", secret, err)
		}
	}
	one, err := authority.NewSeal(bytes.Repeat([]byte("x"), 32))
	other, err2 := authority.NewSeal([]byte(strings.Repeat("x", 32) + "\n"))
	if err != nil || err2 != nil || one.ID() != other.ID() || len(one.ID()) != 16 {
		t.Errorf("%v, %v: a line break makes another seal of it", err, err2)
	}
}

// Sealing may begin, and change over to another seal, while there are authorities; the store then has nothing that can be used without.
func TestSealing(t *testing.T) {
	r := newRig(t)
	first := r.open()
	r.roll(first)
	roots := first.Roots()
	a, b := newSeal(t, 'a'), newSeal(t, 'b')
	sealedBy := func() string {
		t.Helper()
		docs, err := r.store.Authorities().All(t.Context())
		r.must(err)
		var seals []string
		for _, doc := range docs {
			switch {
			case strings.Contains(doc.Key, "Seal: "+a.ID()):
				seals = append(seals, "a")
			case strings.Contains(doc.Key, "Seal: "+b.ID()):
				seals = append(seals, "b")
			default:
				seals = append(seals, "-")
			}
		}
		return strings.Join(seals, " ")
	}
	for _, step := range []struct {
		seals []*authority.Seal
		want  string
	}{
		{nil, "- -"}, {[]*authority.Seal{a}, "a a"}, {[]*authority.Seal{a, b}, "a a"}, {[]*authority.Seal{b, a}, "b b"}, {[]*authority.Seal{b}, "b b"},
	} {
		fleet := r.open(step.seals...)
		if got := sealedBy(); got != step.want {
			t.Fatalf("after a start with %d seals the keys are sealed by %s, want %s", len(step.seals), got, step.want)
		}
		if fleet.Roots() != roots || fleet.List()[1].Sealed != (step.seals != nil) {
			t.Fatal("the authorities are not what they were")
		}
		r.device(fleet, "d")
	}
	last := r.open(b)
	r.roll(last)
	if got := sealedBy(); got != "b b b" {
		t.Errorf("after a roll-over the keys are sealed by %s", got)
	}
	// A manager that was started before goes on with the keys that it has, and says what a restart of it will meet.
	err := first.Refresh(t.Context())
	if err == nil || !strings.Contains(err.Error(), b.ID()) {
		t.Errorf("got %v", err)
	}
	if again := first.Refresh(t.Context()); again == nil || again.Error() != err.Error() {
		t.Errorf("the second time it says %v", again)
	}
	d := r.device(first, "d")
	if d.issued.Authority != "2" || len(first.List()) != 3 {
		t.Errorf("it issues by %s and knows of %d", d.issued.Authority, len(first.List()))
	}
	if _, _, err := first.Verify(r.device(last, "e").chain, d.chain[0].NotBefore, 0); err != nil {
		t.Errorf("it does not believe what others issue: %v", err)
	}
	if _, err := first.Roll(t.Context(), "ada"); err == nil || !strings.Contains(err.Error(), b.ID()) {
		t.Errorf("it can roll without the key: %v", err)
	}
}
