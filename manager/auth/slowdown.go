package auth

import (
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// How many wrong guesses are answered at once, and how long it takes until another one is.
const (
	nameBurst    = 10
	nameInterval = 5 * time.Second
	addrBurst    = 40
	addrInterval = time.Second / 2
)

// A TooManyError says that wrong credentials came too fast for these to be looked at.
type TooManyError struct {
	// After is how long to wait before trying again.
	After time.Duration
}

func (e *TooManyError) Error() string {
	return fmt.Sprintf("too many wrong credentials, the next are looked at in %s", e.After.Round(time.Millisecond))
}

// A slowdown counts wrong guesses by whom they are about or where they come from. Each different wrong
// credential is one guess, however often it is sent.
type slowdown struct {
	// limits are of those who guessed wrongly of late.
	limits   *lru.Cache[key, *rate.Limiter]
	burst    int
	interval time.Duration
}

func newSlowdown(burst int, interval time.Duration) *slowdown {
	return &slowdown{newCache[*rate.Limiter](), burst, interval}
}

// wait is how long until the next guess may be made; 0 when it may now.
func (s *slowdown) wait(now time.Time, about key) time.Duration {
	limit, ok := s.limits.Get(about)
	if !ok {
		return 0
	}
	if missing := 1 - limit.TokensAt(now); missing > 0 {
		return time.Duration(missing * float64(s.interval))
	}
	return 0
}

// wrong counts a guess.
func (s *slowdown) wrong(now time.Time, about key) {
	limit := rate.NewLimiter(rate.Every(s.interval), s.burst)
	if earlier, ok, _ := s.limits.PeekOrAdd(about, limit); ok {
		limit = earlier
	}
	limit.AllowN(now, 1)
}

// A limit is who is slowed down, and how.
type limit struct {
	*slowdown
	about key
}

// mustWait is a [TooManyError] unless all of the limits let another guess be made now.
func mustWait(now time.Time, limits []limit) error {
	var longest time.Duration
	for _, l := range limits {
		longest = max(longest, l.wait(now, l.about))
	}
	if longest > 0 {
		return &TooManyError{After: longest}
	}
	return nil
}
