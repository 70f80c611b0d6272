package auth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/manager/auth"
	"muster/manager/store"
)

// What another manager changes is seen within the cache time, and until then the store is left alone.
func TestAnotherManager(t *testing.T) {
	r := newRig(t)
	other := r.another()
	r.user("ann", "old", "old-token")
	if got := outcome(other, home, basic("ann", "old")); got != "ann" {
		t.Fatalf("on the other manager: %s", got)
	}
	reads := r.store.reads
	r.change("ann", func(u *store.User) { u.Password, u.Token = hash(t, "new"), "" })
	r.Invalidate()
	r.want("denied", home, basic("ann", "old"))
	r.pass(cacheTime - time.Second)
	if got := outcome(other, home, basic("ann", "old")); got != "ann" {
		t.Errorf("on the other manager before the cache time: %s", got)
	}
	if r.store.reads != reads+3 {
		t.Errorf("the store was read %d times, want users, user_groups and tokens once", r.store.reads-reads)
	}
	r.pass(time.Second)
	for header, want := range map[string]string{basic("ann", "old"): "denied", basic("ann", "new"): "ann", "Bearer old-token": "denied"} {
		if got := outcome(other, home, header); got != want {
			t.Errorf("%s on the other manager after the cache time: %s, want %s", header, got, want)
		}
	}
}

// While the store fails users are known by what was read last, for a while. The local admin always is.
func TestStoreFails(t *testing.T) {
	r := newRig(t)
	r.user("ann", "a", "ann-token")
	r.want("ann", home, basic("ann", "a"))
	r.store.fail(errors.New("disk on fire"))
	for range int(auth.StaleLimit / cacheTime) {
		r.pass(cacheTime)
		r.want("ann", home, basic("ann", "a"))
		r.want("ann", home, "Bearer ann-token")
		r.want("denied", home, basic("ann", "wrong"))
	}
	if !strings.Contains(r.log.String(), "disk on fire") {
		t.Error("the log does not say that users cannot be read")
	}
	// Not for ever.
	r.pass(time.Second)
	for range 2 {
		r.want("failed", home, basic("ann", "a"))
		r.want("failed", home, "Bearer ann-token")
		r.want("failed", home, basic("nobody", "x"))
		r.want(adminName, home, basic(adminName, adminPass))
		r.want(adminName, home, "Bearer "+adminToken)
		r.want("denied", home, basic(adminName, "x"))
	}
	r.store.fail(nil)
	r.want("ann", home, basic("ann", "a"))

	// Not what is known to have changed.
	r.store.fail(errors.New("disk on fire"))
	r.Invalidate()
	r.want("failed", home, basic("ann", "a"))
	r.store.fail(nil)
	r.want("ann", home, basic("ann", "a"))

	// A request that ends says nothing about the store.
	r.pass(cacheTime)
	for range 20 {
		if _, err := login(ended(t), r.Authenticator, home, basic("ann", "a")); !errors.Is(err, context.Canceled) {
			t.Errorf("a request that has ended: %v", err)
		}
	}
	reads := r.store.reads
	if r.want("ann", home, basic("ann", "a")); r.store.reads == reads {
		t.Error("the store was not asked, because of a request that had ended before")
	}
}

func TestStoreFailsFromTheStart(t *testing.T) {
	r := newRig(t)
	r.store.fail(errors.New("disk on fire"))
	r.want("failed", home, basic("ann", "a"))
	r.want(adminName, home, basic(adminName, adminPass))
}

// Documents that make no sense lock nobody else out, and give nobody anything.
func TestUnreadable(t *testing.T) {
	r := newRig(t)
	r.user("ann", "a", "")
	r.store.fail(&store.UnreadableError{Kind: "user", Docs: map[string]error{"spoiled": errors.New("secret-inside")}})
	r.Invalidate()
	r.want("ann", home, basic("ann", "a"))
	r.want("denied", home, basic("spoiled", "x"))
	if !strings.Contains(r.log.String(), "spoiled") || strings.Contains(r.log.String(), "secret-inside") {
		t.Error("the log must name the document, and no more")
	}
}

// Logins, changes and readings at once; what was changed before a login began is what it is judged by.
func TestConcurrentChanges(t *testing.T) {
	r := newRig(t)
	const users, rounds = 3, 6
	var wg sync.WaitGroup
	for i := range users {
		name := fmt.Sprint("u", i)
		r.user(name, "", fmt.Sprint(name, "-token-0"))
		wg.Go(func() {
			for n := 1; n <= rounds; n++ {
				token := fmt.Sprint(name, "-token-", n)
				r.change(name, func(u *store.User) { u.Token = hash(t, token) })
				r.Invalidate()
				from := fmt.Sprintf("192.0.2.%d:1", n)
				r.want(name, from, "Bearer "+token)
				r.want("denied", from, fmt.Sprint("Bearer ", name, "-token-", n-1))
			}
		})
	}
	wg.Wait()
}
