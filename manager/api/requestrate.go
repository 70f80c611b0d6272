package api

import (
	"fmt"
	"net/http"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"muster/manager/auth"
)

// rateBurst is how many seconds' worth of requests an identity may make at once.
const rateBurst = 10

// remembered is how many identities, or sources of refusals, are remembered at most.
const remembered = 1 << 14

// A tooOftenError says that an identity asks for too much.
type tooOftenError struct {
	name  string
	after time.Duration
}

func (e *tooOftenError) Error() string { return fmt.Sprintf("too many requests of %q", e.name) }

// A throttle limits how often each identity may ask, wherever it asks from. What is known by nobody is not counted
// here: see how package auth slows down guesses.
type throttle struct {
	perSecond rate.Limit
	burst     int
	byName    *lru.Cache[string, *rate.Limiter]
	now       func() time.Time
}

// newThrottle allows so many requests a second; 0 is no limit.
func newThrottle(perSecond int, now func() time.Time) *throttle {
	return &throttle{rate.Limit(perSecond), perSecond * rateBurst, newMemory[string, *rate.Limiter](), now}
}

func newMemory[K comparable, V any]() *lru.Cache[K, V] {
	cache, err := lru.New[K, V](remembered)
	if err != nil {
		panic(err) // of a size that is not positive
	}
	return cache
}

// take counts a request, or fails with a [tooOftenError]. Not counted are those of nobody in particular, when authentication is
// disabled, and those of a broker, which asks for a whole fleet.
func (t *throttle) take(id auth.Identity) error {
	if t.perSecond == 0 || id.Name == "" || id.BrokerAuth {
		return nil
	}
	bucket := rate.NewLimiter(t.perSecond, t.burst)
	if earlier, ok, _ := t.byName.PeekOrAdd(id.Name, bucket); ok {
		bucket = earlier
		t.byName.Get(id.Name) // it is in use
	}
	now := t.now()
	if bucket.AllowN(now, 1) {
		return nil
	}
	return &tooOftenError{id.Name, time.Duration((1 - bucket.TokensAt(now)) / float64(t.perSecond) * float64(time.Second))}
}

// limited lets requests through as often as those who make them may ask.
func (a *api) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := a.throttle.take(auth.IdentityFrom(r.Context())); err != nil {
			a.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}
