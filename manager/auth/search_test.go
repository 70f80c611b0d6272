package auth_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"muster/manager/auth"
)

// Whoever has many wrong tokens tried keeps them waiting for each other, and nobody else: neither those whose token must
// be searched for too, nor those whose token was right before.
func TestSearchesHoldUpNobodyElsewhere(t *testing.T) {
	r := newRig(t)
	const users, guesses = 50, auth.AddrBurst
	for i := range users {
		r.user(fmt.Sprintf("u%02d", i), "", fmt.Sprint("token", i))
	}
	r.want("u49", home, "Bearer token49")
	r.pass(auth.VerifiedFor)

	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	start := r.Works()
	for i := range guesses {
		all.Go(func() {
			if _, err := login(ctx, r.Authenticator, elsewhere, fmt.Sprint("Bearer guess", i)); !errors.Is(err, context.Canceled) && !errors.Is(err, auth.ErrDenied) {
				t.Errorf("guess: %v", err)
			}
		})
	}
	for r.Works() < start+5 {
		if t.Context().Err() != nil {
			t.Fatal("no guess is tried")
		}
		runtime.Gosched()
	}
	// A search elsewhere takes every other turn, so that there is one wrong candidate for each of its own.
	for _, honest := range []struct {
		header, want string
		most         int64
	}{{"Bearer token49", "u49", 1 + users}, {"Bearer token48", "u48", 3 * users}} {
		if works := r.works(func() { r.want(honest.want, home, honest.header) }); works > honest.most {
			t.Errorf("%s: bcrypt worked %d times by then, want at most %d of the %d that the guesses take", honest.want, works, honest.most, guesses*users)
		}
	}
	cancel()
	all.Wait()
}
