package auth_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"muster/manager/auth"
	"muster/manager/store"
	"muster/manager/store/sqlite"
	"muster/test/logs"
)

const (
	adminName, adminPass, adminToken = "root", "adm1n-secret", "adm1n-t0ken"
	home, elsewhere                  = "192.0.2.1:1000", "198.51.100.1:1000"
	cacheTime                        = 10 * time.Second
)

// A rig is an authenticator with a real store and a clock that stands still until it is told otherwise.
type rig struct {
	*auth.Authenticator
	t     testing.TB
	store *failingStore
	log   *logs.Buffer

	mu  sync.Mutex
	now time.Time
}

func newRig(t testing.TB) *rig {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "muster.db"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	r := &rig{t: t, store: &failingStore{Store: s}, log: &logs.Buffer{}, now: time.Now()}
	r.Authenticator = r.another()
	return r
}

// another is another manager's authenticator on the same store.
func (r *rig) another() *auth.Authenticator {
	r.t.Helper()
	a, err := auth.New(auth.Config{
		AdminUser: adminName, AdminPassword: adminPass, AdminToken: adminToken,
		Users: r.store, CacheTime: cacheTime, Log: slog.New(slog.NewTextHandler(r.log, nil)), Cost: bcrypt.MinCost,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	a.SetClock(func() time.Time {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.now
	})
	return a
}

func (r *rig) pass(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

// user keeps a user; a password or token that is empty has no hash.
func (r *rig) user(name, password, token string) {
	r.t.Helper()
	u := store.User{UserName: name, Password: hash(r.t, password), Token: hash(r.t, token)}
	u.TokenSelector = auth.SelectorOf(token, u.Token)
	if err := r.store.Users().Create(r.t.Context(), u); err != nil {
		r.t.Fatal(err)
	}
	r.Invalidate()
}

// change alters a user as another manager would: nobody here is told.
func (r *rig) change(name string, alter func(*store.User)) {
	r.t.Helper()
	_, err := r.store.Users().Modify(r.t.Context(), name, func(u *store.User) error {
		alter(u)
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) group(g store.UserGroup) {
	r.t.Helper()
	if err := r.store.UserGroups().Create(r.t.Context(), g); err != nil {
		r.t.Fatal(err)
	}
	r.Invalidate()
}

var hashes sync.Map

func hash(t testing.TB, secret string) string {
	t.Helper()
	if secret == "" {
		return ""
	}
	if made, ok := hashes.Load(secret); ok {
		return made.(string)
	}
	h, err := bcrypt.GenerateFromPassword([]byte(secret), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	made, _ := hashes.LoadOrStore(secret, string(h))
	return made.(string)
}

func login(ctx context.Context, a *auth.Authenticator, from, header string) (auth.Identity, error) {
	r := httptest.NewRequestWithContext(ctx, "GET", "/", nil)
	r.RemoteAddr = from
	r.Header.Set("Authorization", header)
	return a.REST(r)
}

// outcome is whom a login lets in, or why nobody: "denied", "slow", "failed".
func outcome(a *auth.Authenticator, from, header string) string {
	id, err := login(context.Background(), a, from, header)
	var slow *auth.TooManyError
	switch {
	case err == nil:
		return id.Name
	case id != auth.Identity{}:
		return fmt.Sprintf("an error and %+v", id)
	case errors.Is(err, auth.ErrDenied):
		return "denied"
	case errors.As(err, &slow) && slow.After > 0:
		return "slow"
	}
	return "failed"
}

func (r *rig) want(outcomeWanted, from, header string) {
	r.t.Helper()
	if got := outcome(r.Authenticator, from, header); got != outcomeWanted {
		r.t.Errorf("%.40s from %s: %s, want %s", header, from, got, outcomeWanted)
	}
}

// works is how often bcrypt works while f runs.
func (r *rig) works(f func()) int64 {
	before := r.Works()
	f()
	return r.Works() - before
}

func (r *rig) wantWorks(what string, want int64, f func()) {
	r.t.Helper()
	if got := r.works(f); got != want {
		r.t.Errorf("%s: %d times bcrypt, want %d", what, got, want)
	}
}

// A failingStore is a real store that cannot be read while err is set.
type failingStore struct {
	store.Store
	mu    sync.Mutex
	err   error
	reads int
}

func (s *failingStore) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *failingStore) Users() store.Documents[store.User] {
	return failingDocuments[store.User]{s.Store.Users(), s}
}

func (s *failingStore) UserGroups() store.Documents[store.UserGroup] {
	return failingDocuments[store.UserGroup]{s.Store.UserGroups(), s}
}

func (s *failingStore) Tokens() store.Documents[store.Token] {
	return failingDocuments[store.Token]{s.Store.Tokens(), s}
}

type failingDocuments[T any] struct {
	store.Documents[T]
	s *failingStore
}

func (d failingDocuments[T]) All(ctx context.Context) ([]T, error) {
	d.s.mu.Lock()
	err := d.s.err
	d.s.reads++
	d.s.mu.Unlock()
	if _, one := errors.AsType[*store.UnreadableError](err); err != nil && !one {
		return nil, err
	}
	docs, all := d.Documents.All(ctx)
	return docs, errors.Join(err, all)
}
