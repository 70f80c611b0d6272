package auth_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"muster/manager/auth"
)

// Different wrong passwords for one user, from wherever, are slowed down.
func TestGuessesAboutAUser(t *testing.T) {
	r := newRig(t)
	r.user("ann", "right", "right-token")
	r.user("bob", "b", "")
	r.want("ann", home, basic("ann", "right"))
	for i := range auth.NameBurst {
		r.want("denied", fmt.Sprintf("203.0.113.%d:1", i), basic("ann", fmt.Sprint("guess", i)))
	}
	r.wantWorks("slowed down", 0, func() {
		r.want("slow", elsewhere, basic("ann", "guess"))
		r.want("slow", elsewhere, basic("ann", "right")) // or it would pay to guess on
	})
	r.want("ann", home, basic("ann", "right"))     // who was right from there before
	r.want("bob", elsewhere, basic("bob", "b"))    // others
	r.want("ann", elsewhere, "Bearer right-token") // another secret
	r.want(adminName, elsewhere, basic(adminName, adminPass))
	r.want("denied", home, basic("ann", "guess3")) // was wrong and is

	// Also once it has to be verified anew.
	r.pass(auth.VerifiedFor)
	for i := range auth.NameBurst {
		r.want("denied", elsewhere, basic("ann", fmt.Sprint("more", i)))
	}
	r.wantWorks("forgotten, not slowed down", 1, func() { r.want("ann", home, basic("ann", "right")) })

	r.pass(auth.NameInterval - time.Second)
	r.want("slow", elsewhere, basic("ann", "guess"))
	r.pass(time.Second)
	r.want("ann", elsewhere, basic("ann", "right"))
	r.want("denied", elsewhere, basic("ann", "guess"))
	r.want("slow", elsewhere, basic("ann", "another"))
}

// The same wrong credentials count once: a program with an old password does not lock its user out.
func TestRepeatedMistakes(t *testing.T) {
	r := newRig(t)
	r.user("ann", "right", "")
	r.wantWorks("the same mistakes", 3, func() {
		for range 1000 {
			r.want("denied", home, basic("ann", "old"))
			r.want("denied", home, basic("nobody", "old"))
			r.want("denied", home, "Bearer old") // there is nobody with a token
			r.want("denied", home, basic(adminName, "old"))
		}
	})
	r.want("ann", home, basic("ann", "right"))
}

// Different wrong tokens, and names, are slowed down by where they come from.
func TestGuessesFromAnAddress(t *testing.T) {
	for what, guess := range map[string]func(int) string{
		"tokens":          func(i int) string { return fmt.Sprint("Bearer guess", i) },
		"tokens like own": func(int) string { return "Bearer " + auth.NewToken() },
		"names":           func(i int) string { return basic(fmt.Sprint("user", i), "x") },
	} {
		r := newRig(t)
		r.user("ann", "right", "right-token")
		r.want("ann", home, "Bearer right-token")
		for i := range auth.AddrBurst {
			r.want("denied", home, guess(i))
		}
		r.wantWorks(what, 0, func() {
			r.want("slow", home, guess(1000))
			r.want("slow", "192.0.2.1:9", guess(1001)) // the port does not matter
		})
		r.want("ann", home, "Bearer right-token")
		r.want("ann", elsewhere, "Bearer right-token")
		r.want("denied", elsewhere, guess(1002))
		r.pass(time.Second)
		r.want("denied", home, guess(1003))
	}
}

// In IPv6 a guesser has as many addresses as they like, in one network.
func TestGuessesFromANetwork(t *testing.T) {
	r := newRig(t)
	for i := range auth.AddrBurst {
		r.want("denied", fmt.Sprintf("[2001:db8::%x]:1", i+1), fmt.Sprint("Bearer guess", i))
	}
	r.want("slow", "[2001:db8::ffff:1]:1", "Bearer guess")
	r.want("slow", "2001:db8::ffff:1", "Bearer guess") // as proxies tell it
	r.want("denied", "[2001:db8:0:1::1]:1", "Bearer guess")
	r.want("denied", "[::ffff:192.0.2.1]:1", "Bearer guess 2")
}

// Guesses at the local admin's password are slowed down where they come from. The admin is not, neither
// elsewhere nor where the admin has been before.
func TestGuessesAboutTheAdmin(t *testing.T) {
	r := newRig(t)
	r.want(adminName, home, basic(adminName, adminPass))
	for _, from := range []string{home, elsewhere} {
		for i := range auth.NameBurst {
			r.want("denied", from, basic(adminName, fmt.Sprint("guess", i, from)))
		}
		r.want("slow", from, basic(adminName, "guess"))
	}
	r.want("slow", elsewhere, basic(adminName, adminPass)) // or it would pay to guess on
	r.want(adminName, home, basic(adminName, adminPass))
	r.want(adminName, "203.0.113.1:1", basic(adminName, adminPass))
	r.want(adminName, elsewhere, "Bearer "+adminToken)
	r.pass(auth.NameInterval)
	r.want(adminName, elsewhere, basic(adminName, adminPass))
}

// It does not help to guess all at once.
func TestGuessesAtOnce(t *testing.T) {
	r := newRig(t)
	r.user("ann", "right", "")
	var wg sync.WaitGroup
	for i := range 20 * auth.NameBurst {
		wg.Go(func() {
			if got := outcome(r.Authenticator, fmt.Sprintf("203.0.113.%d:1", i), basic("ann", fmt.Sprint("guess", i))); got != "denied" && got != "slow" {
				t.Errorf("guess %d: %s", i, got)
			}
		})
	}
	wg.Wait()
	r.want("slow", elsewhere, basic("ann", "guess"))
	denied := 0
	for i := range 20 * auth.NameBurst { // those that were tried are remembered
		if outcome(r.Authenticator, elsewhere, basic("ann", fmt.Sprint("guess", i))) == "denied" {
			denied++
		}
	}
	if most := auth.NameBurst + runtime.GOMAXPROCS(0); denied < auth.NameBurst || denied > most {
		t.Errorf("%d guesses were tried, want %d to %d", denied, auth.NameBurst, most)
	}
}
