package main

import (
	"github.com/spf13/pflag"

	"muster/cmd/internal/settings"
)

// diskFlags are the settings about the room that images take.
type diskFlags struct {
	reserve int64
	prune   bool
}

func (f *diskFlags) declare(flags *pflag.FlagSet) {
	settings.SizeVar(flags, &f.reserve, "disk-reserve", "200MB", "how much of the disk that holds the images a pull has to leave free")
	flags.BoolVar(&f.prune, "prune-on-disk-pressure", false, "whether to remove images that nothing needs when the disk has less free, or no room for a new one")
}
