package network

import (
	"cmp"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Backoff says how long to wait between attempts to connect: a random time (full jitter) of up to Min
// after the first failure, up to twice that after the next, and so on up to Max. The first attempt of all
// is made at once.
type Backoff struct {
	// Min and Max bound the doubling. The defaults are a second and ten minutes.
	Min, Max time.Duration
	// Stable is how long a connection must last before the next wait starts from Min again, so that a
	// broker which takes connections only to drop them is not hammered. The default is five minutes.
	Stable time.Duration
}

func (b Backoff) withDefaults() (Backoff, error) {
	b.Min = cmp.Or(b.Min, time.Second)
	b.Max = cmp.Or(b.Max, max(b.Min, 10*time.Minute))
	b.Stable = cmp.Or(b.Stable, 5*time.Minute)
	if b.Min < 0 || b.Stable < 0 || b.Max < b.Min {
		return b, fmt.Errorf("MQTT back-off: min %v and stable %v must not be negative, and max %v not below min", b.Min, b.Stable, b.Max)
	}
	return b, nil
}

// delays is the sequence of waits.
func (b Backoff) delays() *backoff.ExponentialBackOff {
	// The library draws from an interval around its current value; with a factor of 1 that is from 0 to
	// twice the value, hence the halves.
	return &backoff.ExponentialBackOff{
		InitialInterval: b.Min / 2, RandomizationFactor: 1, Multiplier: 2, MaxInterval: b.Max / 2,
	}
}
