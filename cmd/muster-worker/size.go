package main

import (
	"errors"
	"strings"

	"github.com/docker/go-units"
	"github.com/spf13/pflag"
)

// size is a flag value for a number of bytes, such as "200MB", where MB are 1000×1000 bytes.
type size int64

// sizeVar declares a flag for a size, which may be 0.
func sizeVar(flags *pflag.FlagSet, into *int64, name, value, usage string) {
	s := (*size)(into)
	if err := s.Set(value); err != nil {
		panic(err) // a default of ours
	}
	flags.Var(s, name, usage)
}

func (s *size) String() string { return strings.ReplaceAll(units.HumanSize(float64(*s)), " ", "") }

func (s *size) Type() string { return "size" }

func (s *size) Set(text string) error {
	bytes, err := units.FromHumanSize(text)
	if err != nil || bytes < 0 {
		return errors.New("must be a size, such as 200MB or 1.5GB, or 0")
	}
	*s = size(bytes)
	return nil
}
