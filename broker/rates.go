package broker

import (
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/mochi-mqtt/server/v2/packets"
	"golang.org/x/time/rate"

	"muster/topics"
)

// rememberedRates is of how many identities it is known how often they have connected of late, the last ones that did.
const rememberedRates = 1 << 14

// An owner is whom client ids and rates of connecting belong to. A device is the same while its certificate has expired.
type owner struct {
	role topics.Role
	name string
}

func ownerOf(s topics.Subject) owner {
	if s.Role == topics.RoleRenewing {
		s.Role = topics.RoleDevice
	}
	return owner{s.Role, s.Name}
}

// rates bounds how often an identity connects. Nobody is counted before it is known who it is: whoever only says that
// he is a device does not keep it out.
type rates struct {
	burst    int
	interval time.Duration
	limits   *lru.Cache[owner, *rate.Limiter]
}

func newRates(burst int, interval time.Duration) *rates {
	limits, err := lru.New[owner, *rate.Limiter](rememberedRates)
	if err != nil {
		panic(err) // of a size that is not positive
	}
	return &rates{burst, interval, limits}
}

// admit refuses one that connects too often. Clients of this machine without credentials are not told apart, and not counted.
func (r *rates) admit(c *conn, now time.Time) *refusal {
	if c.identity.Role == topics.RoleLocal {
		return nil
	}
	limit := rate.NewLimiter(rate.Every(r.interval), r.burst)
	if earlier, ok, _ := r.limits.PeekOrAdd(ownerOf(c.identity), limit); ok {
		limit = earlier
		r.limits.Get(ownerOf(c.identity)) // it was used
	}
	if limit.AllowN(now, 1) {
		return nil
	}
	code := packets.ErrConnectionRateExceeded
	if c.version < 5 {
		code = packets.ErrServerUnavailable // the one that mochi can translate
	}
	return &refusal{code, fmt.Sprintf("%s %q connects too often", c.identity.Role, c.identity.Name)}
}

// How many refusals are logged at once, and how many per second when that lasts.
const (
	refusalBurst = 500
	refusalRate  = 20
	// sameRefusal is for how long a refusal that was logged is not logged again.
	sameRefusal = time.Minute
)

// refusals keeps whoever is refused over and over from filling the log.
type refusals struct {
	told  *lru.Cache[string, time.Time]
	limit *rate.Limiter
}

func newRefusals() *refusals {
	told, err := lru.New[string, time.Time](1024)
	if err != nil {
		panic(err) // of a size that is not positive
	}
	return &refusals{told, rate.NewLimiter(refusalRate, refusalBurst)}
}

// worthALine reports whether a refusal is to be logged: who it was, and why.
func (r *refusals) worthALine(who, why string, now time.Time) bool {
	key := who + "\x00" + why
	if at, ok := r.told.Get(key); ok && now.Sub(at) < sameRefusal {
		return false
	}
	if !r.limit.AllowN(now, 1) {
		return false
	}
	r.told.Add(key, now)
	return true
}

// logRefusal counts a refusal and logs it.
func (s *Server) logRefusal(who, why string, args ...any) {
	s.refused.Add(1)
	if s.refusals.worthALine(who, why, time.Now()) {
		s.log.Warn("mqtt connection refused", append(args, "reason", why)...)
	}
}
