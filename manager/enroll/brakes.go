package enroll

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// brakesKept is how many names brakes remember.
const brakesKept = 1 << 14

// brakes slow down those who ask too often, each by a name.
type brakes struct {
	limits   *lru.Cache[string, *rate.Limiter]
	burst    int
	interval time.Duration
}

func newBrakes(burst int, interval time.Duration) *brakes {
	limits, err := lru.New[string, *rate.Limiter](brakesKept)
	if err != nil {
		panic(err) // of a size that is not positive
	}
	return &brakes{limits, burst, interval}
}

// exhausted reports whether there were too many.
func (b *brakes) exhausted(name string) bool {
	limit, ok := b.limits.Get(name)
	return ok && limit.Tokens() < 1
}

// count counts one.
func (b *brakes) count(name string) {
	limit := rate.NewLimiter(rate.Every(b.interval), b.burst)
	if earlier, ok, _ := b.limits.PeekOrAdd(name, limit); ok {
		limit = earlier
	}
	limit.Allow()
}
