package main

import (
	"fmt"
	"log/slog"

	"github.com/spf13/pflag"

	"muster/bridge/mqtt"
	"muster/cmd/internal/brokerflags"
	"muster/topics"
)

// sourceFlags say which reports of an external broker a bridge takes.
type sourceFlags struct{ name, part, share string }

// declare adds the flags. name is what bridges are called by default.
func (f *sourceFlags) declare(flags *pflag.FlagSet, name string) {
	flags.StringVar(&f.name, "bridge-name", "", fmt.Sprintf("name of the bridge's session at an external broker; of several with one name, one takes reports and the others stand by; by default %q, with the part when there are parts, and with --bridge-share that of this process's spool", name))
	flags.StringVar(&f.part, "bridge-part", "", "K/N: of N bridges that split an external broker's devices this is the K-th, such as 2/3")
	flags.StringVar(&f.share, "bridge-share", "", "name of a shared subscription by which an external broker deals reports out among bridges; a device's reports then arrive in no order")
}

// check refuses what cannot be. external says whether there is a broker that it is about.
func (f *sourceFlags) check(external bool) error {
	for _, given := range []struct {
		flag, value string
		check       func(string) error
	}{
		{"bridge-name", f.name, topics.CheckName},
		{"bridge-share", f.share, topics.CheckName},
		{"bridge-part", f.part, func(s string) error { _, err := mqtt.ParsePart(s); return err }},
	} {
		if given.value == "" {
			continue
		}
		if !external {
			return fmt.Errorf("%s: is of no use without broker-url, and with bridge=false", given.flag)
		}
		if err := given.check(given.value); err != nil {
			return fmt.Errorf("%s: %w", given.flag, err)
		}
	}
	if f.part != "" && f.share != "" {
		return fmt.Errorf("bridge-part and bridge-share: must not both be given")
	}
	return nil
}

// source is the bridge's source. name is the default of --bridge-name.
func (f *sourceFlags) source(b *brokerflags.Flags, root topics.Root, name string, reports *bridging, log *slog.Logger) (*mqtt.Source, error) {
	options, err := f.options(name, reports.spool.ID())
	if err != nil {
		return nil, err
	}
	if options.Broker, err = b.Options(); err != nil {
		return nil, err
	}
	options.Root, options.Agent, options.Take, options.Log = root, agent(), reports.Take, log
	return mqtt.New(options)
}

// options are those that the flags say something about. spoolID tells bridges of one name apart: machines may be called the
// same, and containers otherwise each time.
func (f *sourceFlags) options(name, spoolID string) (mqtt.Options, error) {
	part, err := mqtt.ParsePart(f.part)
	if err != nil {
		return mqtt.Options{}, err
	}
	switch {
	case f.name != "":
		name = f.name
	case f.share != "":
		name = spoolID
	default:
		name = part.SessionName(name)
	}
	return mqtt.Options{Name: name, Instance: spoolID, Part: part, Share: f.share}, nil
}
