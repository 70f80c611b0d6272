package auth_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"muster/manager/auth"
	"muster/manager/store"
)

// Whatever is asked how often, bcrypt works once for credentials until they are forgotten.
func TestOneBcryptForManyRequests(t *testing.T) {
	r := newRig(t)
	own := auth.NewToken()
	for i := range 5 {
		r.user(fmt.Sprint("u", i), fmt.Sprint("pass", i), fmt.Sprint("token", i))
		r.user(fmt.Sprint("z", i), fmt.Sprint("pass", i), auth.NewToken())
	}
	r.user("own", "pass", own)
	for _, tc := range []struct {
		header, want string
		first, later int64
	}{
		{basic("u3", "pass3"), "u3", 1, 1},
		{"Bearer " + own, "own", 1, 1},
		{"Bearer token3", "u3", 4, 1}, // u0 to u3; then u3 at once
		{basic("u3", "wrong"), "denied", 1, 0},
		{basic("nobody", "wrong"), "denied", 1, 0}, // as long as for somebody
		{"Bearer wrong", "denied", 5, 0},
		{"Bearer " + own[:13] + strings.Repeat("A", 26), "denied", 1, 0},
	} {
		several := func() {
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() { r.want(tc.want, home, tc.header) })
			}
			wg.Wait()
		}
		r.wantWorks(tc.header, tc.first, several)
		r.wantWorks(tc.header+", again", 0, several)
		r.pass(auth.VerifiedFor)
		r.wantWorks(tc.header+", forgotten", tc.later, several)
		r.Invalidate()
		r.wantWorks(tc.header+", read again", 0, several)
	}
}

// A token that is not of Muster's form is tried again when the users that may have it change, and only then.
func TestWhoHasNoTokenIsRemembered(t *testing.T) {
	r := newRig(t)
	r.user("ann", "a", "token-a")
	r.user("bob", "b", auth.NewToken())
	r.want("denied", home, "Bearer wrong")
	r.group(store.UserGroup{UserGroup: "g", GroupMembers: []string{"ann"}, Admin: true})
	r.change("bob", func(u *store.User) { u.Token, u.TokenSelector = "", "" })
	r.Invalidate()
	r.wantWorks("wrong token, others changed", 0, func() { r.want("denied", home, "Bearer wrong") })
	r.user("cid", "c", "wrong")
	r.want("cid", home, "Bearer wrong")
}

// A change counts from the moment that it is known, with nothing to be cleared.
func TestChangesDropWhatWasVerified(t *testing.T) {
	r := newRig(t)
	own := auth.NewToken()
	r.user("ann", "old", own)
	r.user("bob", "b", "bob-token")
	for range 2 {
		r.want("ann", home, basic("ann", "old"))
		r.want("ann", home, "Bearer "+own)
		r.want("bob", home, "Bearer bob-token")
	}
	r.change("ann", func(u *store.User) { u.Password = hash(t, "new") })
	r.Invalidate()
	r.want("denied", home, basic("ann", "old"))
	r.want("ann", home, basic("ann", "new"))
	r.want("ann", home, "Bearer "+own)

	// Nebula's manager leaves the selector when it makes a new token.
	r.change("ann", func(u *store.User) { u.Token = hash(t, "nebulas") })
	r.Invalidate()
	r.want("denied", home, "Bearer "+own)
	r.want("ann", home, "Bearer nebulas")

	// The token goes to somebody else.
	r.change("bob", func(u *store.User) { u.Token = hash(t, "other") })
	r.change("ann", func(u *store.User) { u.Token = hash(t, "bob-token") })
	r.Invalidate()
	r.want("ann", home, "Bearer bob-token")
	r.want("denied", home, "Bearer nebulas")

	if err := r.store.Users().Delete(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	r.Invalidate()
	r.want("denied", home, "Bearer bob-token")
	r.want("denied", home, basic("ann", "new"))
	r.user("ann", "again", "")
	r.want("denied", home, basic("ann", "new"))
	r.want("ann", home, basic("ann", "again"))
}

// A request that ends while it waits does not wait on, and costs nothing.
func TestRequestsThatEnd(t *testing.T) {
	r := newRig(t)
	r.user("ann", "a", "token-a")
	r.want("denied", home, basic("ann", "wrong")) // the users are known now
	release, err := r.Occupy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.wantWorks("requests that have ended", 0, func() {
		var wg sync.WaitGroup
		for _, header := range []string{basic("ann", "a"), basic("ann", "a"), basic("nobody", "a"), "Bearer token-a", "Bearer other"} {
			ctx, cancel := context.WithCancel(t.Context())
			wg.Go(func() {
				if id, err := login(ctx, r.Authenticator, home, header); !errors.Is(err, context.Canceled) {
					t.Errorf("%.20s: %+v, %v, want that it was cancelled", header, id, err)
				}
			})
			cancel()
		}
		wg.Wait()
		if _, err := r.Hash(ended(t), "x"); !errors.Is(err, context.Canceled) {
			t.Errorf("hash: %v, want that it was cancelled", err)
		}
	})
	release()
	r.want("ann", home, basic("ann", "a"))
}

func ended(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// A search that takes longer than its request goes on with the next one, and counts as one guess.
func TestSearchGoesOn(t *testing.T) {
	r := newRig(t)
	const users = 60
	for i := range users {
		r.user(fmt.Sprintf("u%02d", i), "", fmt.Sprint("token", i))
	}
	r.want("denied", home, basic("u00", "x")) // the users are known now
	for _, tc := range []struct{ token, want string }{{"token59", "u59"}, {"wrong", "denied"}} {
		start, tries := r.Works(), 0
		for done := false; !done; tries++ {
			ctx, cancel := context.WithCancel(t.Context())
			begun := r.Works()
			stop := make(chan struct{})
			go func() {
				defer close(stop)
				for r.Works() < begun+5 && ctx.Err() == nil {
					runtime.Gosched()
				}
				cancel()
			}()
			_, err := login(ctx, r.Authenticator, home, "Bearer "+tc.token)
			done = err == nil || errors.Is(err, auth.ErrDenied)
			if !done && !errors.Is(err, context.Canceled) {
				t.Fatalf("%s: %v", tc.token, err)
			}
			cancel()
			<-stop
		}
		if got := r.Works() - start; got > users || tries < 2 {
			t.Errorf("%s: found after bcrypt worked %d times in %d tries, want at most %d in several", tc.token, got, tries, users)
		}
		r.want(tc.want, home, "Bearer "+tc.token)
	}
}
