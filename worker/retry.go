package worker

import (
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"muster/topics"
)

// A retry spaces out the attempts at something that fails: each pause is about twice the one before, up to
// a limit, and random by half, so that a fleet that failed together does not come back together.
type retry struct {
	pauses backoff.ExponentialBackOff
	// next is when to try again; zero before the first failure.
	next time.Time
	// reason says what went wrong.
	reason string
}

func newRetry(first, limit time.Duration) *retry {
	return &retry{pauses: backoff.ExponentialBackOff{
		InitialInterval: first, MaxInterval: limit, Multiplier: 2, RandomizationFactor: 0.5,
	}}
}

// postpone sets when to try again, and notes why not at once.
func (r *retry) postpone(now time.Time, reason string) {
	r.next = now.Add(r.pauses.NextBackOff())
	r.reason = reason
}

// A trouble is an app's or a cron_job's last attempt that failed, and when the next one is.
type trouble struct {
	*retry
	code topics.Reason
	// wanted identifies the app of the config that was attempted.
	wanted string
	// conflict says that a name or port was taken, engineDown that the engine did not answer: both may
	// pass before the next attempt is due.
	conflict, engineDown bool
	// short says how much room the app's image needs; nil when it has it.
	short *shortage
	// attempts counts the failures that may be the fault of the version of the app.
	attempts int
}

// fail notes what the attempt that was made met, and postpones the next.
func (t *trouble) fail(now time.Time, err error) {
	t.conflict, t.engineDown = errors.Is(err, ErrConflict), errors.Is(err, ErrEngineDown)
	t.code, t.short = codeOf(err), shortageOf(err)
	t.postpone(now, err.Error())
	if then := now.Add(leastPause(err)); t.next.Before(then) {
		t.next = then
	}
}

// How long to wait after failures.
const (
	firstAppPause   = 2 * time.Second
	longestAppPause = 5 * time.Minute
	// Engines restart what ends by themselves; this is for what they gave up.
	firstStartPause   = 10 * time.Second
	longestStartPause = 5 * time.Minute
	firstHealPause    = 10 * time.Second
	longestHealPause  = 5 * time.Minute
	firstEnginePause  = time.Second
	// The engine is local, so asking it is cheap.
	longestEnginePause = 30 * time.Second
	firstSavePause     = 5 * time.Second
	longestSavePause   = 5 * time.Minute
	firstPrunePause    = time.Minute
	longestPrunePause  = time.Hour
	// What is not needed does not change often.
	firstPressPause   = time.Minute
	longestPressPause = time.Hour
)

// A registry that limits pulls is not asked again sooner, unless it says when; nor is what it says taken at its
// word beyond the second.
const (
	limitedPause = time.Minute
	longestAfter = time.Hour
)

// leastPause is how long to wait at least after an error.
func leastPause(err error) time.Duration {
	if limit, ok := errors.AsType[*Limit](err); ok && limit.After > 0 {
		return min(limit.After, longestAfter)
	}
	if codeOf(err) == topics.ReasonRateLimited {
		return limitedPause
	}
	return 0
}
