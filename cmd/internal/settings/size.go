package settings

import (
	"errors"
	"strings"

	"github.com/docker/go-units"
	"github.com/spf13/pflag"
)

// size is a flag value for a number of bytes, such as "200MB", where MB are 1000×1000 bytes, or "200MiB", where they are
// 1024×1024.
type size int64

// SizeVar declares a flag for a size, which may be 0.
func SizeVar(flags *pflag.FlagSet, into *int64, name, value, usage string) {
	s := (*size)(into)
	if err := s.Set(value); err != nil {
		panic(err) // a default of ours
	}
	flags.Var(s, name, usage)
}

// FormatSize is how people read a number of bytes, such as "200MB".
func FormatSize(bytes int64) string {
	return strings.ReplaceAll(units.HumanSize(float64(bytes)), " ", "")
}

func (s *size) String() string { return FormatSize(int64(*s)) }

func (s *size) Type() string { return "size" }

func (s *size) Set(text string) error {
	parse := units.FromHumanSize
	if strings.Contains(strings.ToLower(text), "i") {
		parse = units.RAMInBytes // which takes MB for MiB
	}
	bytes, err := parse(text)
	if err != nil || bytes < 0 {
		return errors.New("must be a size, such as 200MB, 1.5GB or 1GiB, or 0")
	}
	*s = size(bytes)
	return nil
}
