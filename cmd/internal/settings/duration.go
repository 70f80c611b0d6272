package settings

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/pflag"
)

// duration is a flag value that also takes a plain number of seconds, as Nebula's settings are written.
type duration time.Duration

// DurationVar declares a flag for a duration above zero, such as "30s", or a plain number of seconds.
func DurationVar(flags *pflag.FlagSet, into *time.Duration, name string, value time.Duration, usage string) {
	*into = value
	flags.Var((*duration)(into), name, usage)
}

func (d *duration) String() string { return time.Duration(*d).String() }

func (d *duration) Type() string { return "duration" }

func (d *duration) Set(s string) error {
	value, err := time.ParseDuration(s)
	if seconds, nerr := strconv.ParseFloat(s, 64); nerr == nil {
		value, err = time.Duration(seconds*float64(time.Second)), nil
	}
	if err != nil || value <= 0 {
		return fmt.Errorf("must be a duration above zero, such as 30s or 5m, or a number of seconds")
	}
	*d = duration(value)
	return nil
}
