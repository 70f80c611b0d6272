package certificate

import (
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/acme/autocert"

	"muster/manager/store"
	"muster/manager/store/sqlite"
)

func entries(t *testing.T) store.Documents[store.ACMEEntry] {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "db"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s.ACME()
}

// One manager at a time asks for a certificate, and one that died does not keep the others from it for ever.
func TestTurns(t *testing.T) {
	kept := entries(t)
	one, other := turns{kept, "m1"}, turns{kept, "m2"}
	release, err := one.take(t.Context(), "manager.example")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.take(t.Context(), "manager.example"); !errors.Is(err, errNotMyTurn) {
		t.Errorf("at the same time: %v", err)
	}
	if _, err := one.take(t.Context(), "manager.example"); err != nil {
		t.Errorf("the same one again: %v", err)
	}
	if done, err := other.take(t.Context(), "other.example"); err != nil {
		t.Errorf("for another name: %v", err)
	} else {
		done()
	}
	release()
	if _, err := other.take(t.Context(), "manager.example"); err != nil {
		t.Errorf("after it: %v", err)
	}
	if _, err := kept.Modify(t.Context(), "turn manager.example", func(e *store.ACMEEntry) error {
		e.Until = time.Now().Add(-time.Second)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := one.take(t.Context(), "manager.example"); err != nil {
		t.Errorf("after the end of a turn: %v", err)
	}
}

func TestCache(t *testing.T) {
	c := cache{entries(t)}
	if _, err := c.Get(t.Context(), "a"); !errors.Is(err, autocert.ErrCacheMiss) {
		t.Errorf("nothing there: %v", err)
	}
	for _, want := range []string{"first", "second"} {
		if err := c.Put(t.Context(), "a", []byte(want)); err != nil {
			t.Fatal(err)
		}
		if got, err := c.Get(t.Context(), "a"); err != nil || string(got) != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	for range 2 {
		if err := c.Delete(t.Context(), "a"); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.Get(t.Context(), "a"); !errors.Is(err, autocert.ErrCacheMiss) {
		t.Errorf("after it is gone: %v", err)
	}
}
