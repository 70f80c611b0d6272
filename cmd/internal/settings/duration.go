package settings

import (
	"errors"
	"strconv"
	"time"

	"github.com/spf13/pflag"
)

// duration is a flag value that also takes a plain number of seconds, as Nebula's settings are written.
type duration struct {
	into *time.Duration
	zero bool // whether it may be zero
}

// DurationVar declares a flag for a duration, such as "30s", or a plain number of seconds. It must be above zero, unless
// it is zero by default.
func DurationVar(flags *pflag.FlagSet, into *time.Duration, name string, value time.Duration, usage string) {
	*into = value
	flags.Var(&duration{into: into, zero: value == 0}, name, usage)
}

func (d *duration) String() string { return d.into.String() }

func (d *duration) Type() string { return "duration" }

func (d *duration) Set(s string) error {
	value, err := time.ParseDuration(s)
	if seconds, nerr := strconv.ParseFloat(s, 64); nerr == nil {
		value, err = time.Duration(seconds*float64(time.Second)), nil
	}
	switch {
	case d.zero && (err != nil || value < 0):
		return errors.New("must be a duration, such as 0, 30s or 5m, or a number of seconds")
	case !d.zero && (err != nil || value <= 0):
		return errors.New("must be a duration above zero, such as 30s or 5m, or a number of seconds")
	}
	*d.into = value
	return nil
}
