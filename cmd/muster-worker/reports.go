package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"muster/cmd/internal/settings"
	"muster/worker"
	"muster/worker/link"
	"muster/worker/outbox"
)

// reportFlags are the settings of what the device reports, and when.
type reportFlags struct {
	interval   time.Duration
	updateOnly bool
	failHard   bool
	stats      bool
	outbox     int64
}

func (f *reportFlags) declare(flags *pflag.FlagSet) {
	settings.DurationVar(flags, &f.interval, "report-interval", link.DefaultReportInterval, "how often to report how the device is, beside when something changes")
	flags.BoolVar(&f.updateOnly, "report-on-update-only", false, "whether to report only when something changes, and not every report-interval")
	flags.BoolVar(&f.stats, "report-stats", false, "whether reports have the engine's stats document of each running container, about 2KB each")
	settings.SizeVar(flags, &f.outbox, "outbox-size", "8MB", "how much of the disk reports take at most that wait for the broker; the oldest make way")
	flags.BoolVar(&f.failHard, "reporting-fail-hard", false, "whether the worker ends when a report cannot be made or written to the disk, or the broker refuses it for good")
}

// statsOf is what reads the stats documents for the reports; nil when they are not wanted.
func (f *reportFlags) statsOf(engine worker.Engine) func(context.Context) (apps, cronJobs []json.RawMessage, err error) {
	if !f.stats {
		return nil
	}
	return func(ctx context.Context) (apps, cronJobs []json.RawMessage, err error) {
		return worker.Stats(ctx, engine)
	}
}

func (f *reportFlags) check() error {
	if f.outbox < outbox.MinSize {
		return fmt.Errorf("outbox-size: must be %dKB or more, is %s", (outbox.MinSize+999)/1000, settings.FormatSize(f.outbox))
	}
	return nil
}
