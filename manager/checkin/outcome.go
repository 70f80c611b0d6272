package checkin

import (
	"errors"

	"muster/manager/store"
	"muster/topics"
)

// An Outcome is what became of a check-in.
type Outcome int

// The outcomes.
const (
	// Unchanged: the device has the latest config.
	Unchanged Outcome = iota
	// Config: it was sent a newer one.
	Config
	// StoreBehind: it has a newer one than the store.
	StoreBehind
	// Refused: the request makes no sense, there is no such device_group, or that has no config.
	Refused
	// Unavailable: the store could not tell.
	Unavailable
	// Dropped: too many were waiting.
	Dropped

	outcomes
)

// Outcomes are all of them, by the word for each.
func Outcomes() map[string]Outcome {
	return map[string]Outcome{
		"unchanged": Unchanged, "config": Config, "store_behind": StoreBehind,
		"refused": Refused, "unavailable": Unavailable, "dropped": Dropped,
	}
}

// Count is how many check-ins had that outcome.
func (r *Responder) Count(o Outcome) int64 { return r.tally[o].Load() }

// Failed is how many replies could not be published.
func (r *Responder) Failed() int64 { return r.failed.Load() }

// outcomeOf is that of a request which could be read.
func outcomeOf(reply topics.CheckinReply, err error) Outcome {
	var invalid *topics.FieldError
	switch {
	case errors.Is(err, store.ErrNotFound) || errors.As(err, &invalid):
		return Refused
	case err != nil:
		return Unavailable
	case reply.StoreBehind:
		return StoreBehind
	case reply.Unchanged:
		return Unchanged
	}
	return Config
}
