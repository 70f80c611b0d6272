package authority_test

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/manager/authority"
	"muster/manager/store"
	"muster/manager/store/mongo"
	"muster/manager/store/sqlite"
	testrig "muster/test/rig"
)

// Several managers that start at once on an empty store have one authority between them, whichever store it is.
func TestManagersThatStartAtOnceHaveOneAuthority(t *testing.T) {
	discard := slog.New(slog.DiscardHandler)
	for name, open := range map[string]func(t *testing.T) func(context.Context) (store.Store, error){
		"sqlite": func(t *testing.T) func(context.Context) (store.Store, error) {
			o := sqlite.Options{Path: filepath.Join(t.TempDir(), "muster.db"), Log: discard}
			return func(ctx context.Context) (store.Store, error) { return sqlite.Open(ctx, o) }
		},
		"mongo": func(t *testing.T) func(context.Context) (store.Store, error) {
			o := mongo.Options{URL: testrig.MongoDB(t), Log: discard}
			return func(ctx context.Context) (store.Store, error) { return mongo.Open(ctx, o) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			again := open(t)
			const managers = 6
			var roots [managers]string
			var wg sync.WaitGroup
			start := make(chan struct{})
			for n := range managers {
				s, err := again(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = s.Close() })
				wg.Go(func() {
					<-start
					f, err := authority.Open(t.Context(), s.Authorities(), authority.Options{Log: discard})
					if err != nil {
						t.Error(err)
						return
					}
					roots[n] = f.Roots()
				})
			}
			close(start)
			wg.Wait()
			for n := range managers {
				if roots[n] != roots[0] || len(certificates(t, roots[n])) != 1 {
					t.Errorf("manager %d believes in %s and manager 0 in %s", n, roots[n], roots[0])
				}
			}
		})
	}
}

// What cannot be read ends a start: whoever went on would make a second authority, or lock devices out.
func TestADamagedAuthorityEndsTheStart(t *testing.T) {
	seal, other := newSeal(t, 'a'), newSeal(t, 'b')
	for name, test := range map[string]struct {
		seals  []*authority.Seal
		id     string
		damage func(*store.Authority)
		want   []string
	}{
		"no certificate":          {nil, "1", func(a *store.Authority) { a.Certificate = "x" }, []string{`authority "1"`, "certificate"}},
		"half a certificate":      {nil, "1", func(a *store.Authority) { a.Certificate = a.Certificate[:200] }, []string{`authority "1"`, "certificate"}},
		"two certificates":        {nil, "1", func(a *store.Authority) { a.Certificate += a.Certificate }, []string{`authority "1"`, "one certificate"}},
		"the cross certificate":   {nil, "2", func(a *store.Authority) { a.Certificate = a.Cross }, []string{`authority "2"`, "not signed by its own key"}},
		"no cross certificate":    {nil, "2", func(a *store.Authority) { a.Cross = "" }, []string{`authority "2"`, "cross"}},
		"another cross":           {nil, "2", func(a *store.Authority) { a.Cross = a.Certificate }, []string{`authority "2"`, `not signed by authority "1"`}},
		"no key":                  {nil, "1", func(a *store.Authority) { a.Key = "" }, []string{`authority "1"`, "key", "damaged"}},
		"half a key":              {nil, "1", func(a *store.Authority) { a.Key = a.Key[:len(a.Key)/2] }, []string{`authority "1"`, "key", "damaged"}},
		"a byte of the key":       {nil, "2", func(a *store.Authority) { a.Key = flip(a.Key) }, []string{`authority "2"`, "key"}},
		"newest retired":          {nil, "2", func(a *store.Authority) { a.Retired = time.Now() }, []string{`authority "2"`, "retired", "newest"}},
		"sealed, damaged":         {[]*authority.Seal{seal}, "1", func(a *store.Authority) { a.Key = flip(a.Key) }, []string{`authority "1"`, "key", "damaged"}},
		"sealed, none given":      {[]*authority.Seal{seal, nil}, "1", nil, []string{`authority "1"`, "sealed by the ca-key-file", seal.ID(), "none is given"}},
		"sealed, another one":     {[]*authority.Seal{seal, other}, "1", nil, []string{`authority "1"`, seal.ID(), "given are " + other.ID()}},
		"sealed for another one":  {[]*authority.Seal{seal}, "2", func(a *store.Authority) { a.Key = keyOf1 }, []string{`authority "2"`, "another authority"}},
		"another authority's key": {nil, "2", func(a *store.Authority) { a.Key = keyOf1 }, []string{`authority "2"`, "key: is not the one of the certificate"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			var before, after []*authority.Seal
			if len(test.seals) > 0 {
				before, after = test.seals[:1], test.seals[:1]
			}
			if len(test.seals) > 1 {
				if after = test.seals[1:]; after[0] == nil {
					after = nil
				}
			}
			r.roll(r.open(before...))
			one, err := r.store.Authorities().Get(t.Context(), "1")
			r.must(err)
			keyOf1 = one.Key
			if test.damage != nil {
				_, err := r.store.Authorities().Modify(t.Context(), test.id, func(a *store.Authority) error { test.damage(a); return nil })
				r.must(err)
			}
			docs, err := r.store.Authorities().All(t.Context())
			r.must(err)
			_, err = authority.Open(t.Context(), r.store.Authorities(), r.options(after...))
			if err == nil {
				t.Fatal("it starts")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want %q in it", err, want)
				}
			}
			noSecrets(t, docs, err.Error(), r.log.String())
			now, err := r.store.Authorities().All(t.Context())
			r.must(err)
			if len(now) != len(docs) || now[0].Key != docs[0].Key || now[1].Key != docs[1].Key {
				t.Error("the store was changed")
			}
		})
	}
}

// keyOf1 is the key of the first authority in the store of the test that runs.
var keyOf1 string

// flip changes a character of a key in PEM.
func flip(text string) string {
	b := []byte(text)
	const n = 100 // in the private part of a key that is not sealed
	if b[n] = 'A'; text[n] == 'A' {
		b[n] = 'B'
	}
	return string(b)
}

// noSecrets looks for keys in texts.
func noSecrets(t *testing.T, docs []store.Authority, texts ...string) {
	t.Helper()
	for _, doc := range docs {
		for line := range strings.Lines(doc.Key) {
			line = strings.TrimSpace(line)
			for _, text := range texts {
				if len(line) > 30 && !strings.HasPrefix(line, "---") && strings.Contains(text, line) {
					t.Errorf("the key of %q is in %s", doc.ID, text)
				}
			}
		}
	}
}

func newSeal(t *testing.T, letter byte) *authority.Seal {
	t.Helper()
	s, err := authority.NewSeal(bytes.Repeat([]byte{letter}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}
