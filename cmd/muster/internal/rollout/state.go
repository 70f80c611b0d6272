package rollout

import (
	"time"

	"muster/manager/fleet"
	"muster/topics"
)

// A State is how far the selected devices are at one moment.
type State struct {
	// All counts all of them.
	All fleet.Counts
	// Done have applied the wanted config and nothing fails on them, Failed have something that fails, Updating are at it and
	// Waiting have yet to begin: these are online, and each is counted once.
	Done, Failed, Updating, Waiting int64
	// Wanted are the latest configs, by device_group, as far as this State has devices of them.
	Wanted map[string]topics.Version
	// Shown are devices worth a line: those that fail, then those that are at it, then those that have yet to begin.
	Shown []fleet.Device
}

// An Outcome says what becomes of a rollout.
type Outcome int

// The outcomes.
const (
	// Open: devices are at it, or have yet to begin.
	Open Outcome = iota
	// Done: all have done what was asked for.
	Done
	// Failed: on some something fails, the others are done, and it has been so for long enough.
	Failed
	// Late: time is up.
	Late
)

// Rules say when a rollout is over.
type Rules struct {
	// All has it wait for devices that are offline.
	All bool
	// Patience is how long devices may fail, with nothing else under way, until that counts as a failure: much heals by itself.
	Patience time.Duration
	// Within is how long it may take; 0 is without a limit.
	Within time.Duration
	// AtLeast are the configs that must be wanted, by device_group: as long as an older one is, the managers have yet to
	// publish the change.
	AtLeast map[string]topics.Version
}

// Decide says what becomes of a rollout that is followed since a time, and on which nothing but failures was left since
// another time (zero: something is).
func (r Rules) Decide(s State, since, stuck, now time.Time) Outcome {
	switch {
	case r.finished(s) && s.All.Failing == 0 && s.All.Behind == 0:
		return Done
	case r.finished(s) && !stuck.IsZero() && now.Sub(stuck) >= r.Patience:
		return Failed
	case r.Within > 0 && now.Sub(since) >= r.Within:
		return Late
	}
	return Open
}

// finished says that nothing is under way any more. Of a fleet that is all offline nothing is known to be done.
func (r Rules) finished(s State) bool {
	for group, wanted := range s.Wanted {
		if r.AtLeast[group].Newer(wanted) {
			return false
		}
	}
	return s.Updating+s.Waiting == 0 && s.All.Online > 0 && (s.All.Offline == 0 || !r.All)
}
