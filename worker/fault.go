package worker

import (
	"errors"
	"time"

	"muster/topics"
)

// A Fault is an error of a known kind.
type Fault struct {
	Code topics.Reason
	Err  error
}

func (f *Fault) Error() string { return f.Err.Error() }

func (f *Fault) Unwrap() error { return f.Err }

// A Limit is the error of a registry that does not want to be asked again before some time has passed.
type Limit struct {
	// After is that time; 0 when the registry does not say.
	After time.Duration
	Err   error
}

func (l *Limit) Error() string { return l.Err.Error() }

func (l *Limit) Unwrap() error { return l.Err }

// codeOf is the kind of an error that an app met.
func codeOf(err error) topics.Reason {
	var fault *Fault
	var limit *Limit
	switch {
	case errors.As(err, &fault):
		return fault.Code
	case errors.As(err, &limit):
		return topics.ReasonRateLimited
	case errors.Is(err, ErrEngineDown):
		return topics.ReasonEngineDown
	case errors.Is(err, errNoEffect):
		return topics.ReasonNoEffect
	}
	return topics.ReasonUnknown
}
