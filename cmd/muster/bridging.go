package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"muster/bridge"
	"muster/bridge/spool"
	"muster/bridge/storage"
	"muster/broker"
	"muster/cmd/internal/settings"
	"muster/manager/store"
)

// spoolFlags are the settings of the spool of reports.
type spoolFlags struct{ size int64 }

func (f *spoolFlags) declare(flags *pflag.FlagSet) {
	settings.SizeVar(flags, &f.size, "spool-size", "1GB", "how much of the disk reports may take that are acknowledged and not yet where they go; when it is full, devices keep theirs")
}

func (f *spoolFlags) check() error {
	if f.size < spool.MinSize {
		return fmt.Errorf("spool-size: must be at least %s, is %s", settings.FormatSize(spool.MinSize), settings.FormatSize(f.size))
	}
	return nil
}

// A sinkSpec is a sink that is to be: it is made when the spool is there, whose id it is given. One with a
// method Close is closed with the bridge.
type sinkSpec struct {
	name string
	make func(spoolID string) (bridge.Sink, error)
}

// A bridging is a bridge with what it is made of.
type bridging struct {
	*bridge.Bridge
	spool *spool.Spool
	sinks []bridge.Sink
}

// openReports is the bridge of a manager; nil when there is none.
func openReports(f serveFlags, dir *dataDir, documents store.Store, log *slog.Logger) (*bridging, error) {
	if !f.bridge {
		return nil, nil
	}
	specs := []sinkSpec{storeSink(documents, log)}
	if f.kafka.Given() {
		specs = append(specs, kafkaSink(f.kafka, log))
	}
	return openBridging(dir, f.spool, specs, log)
}

// storeSink is the sink that every bridge with a store has.
func storeSink(documents store.Store, log *slog.Logger) sinkSpec {
	return sinkSpec{"store", func(spoolID string) (bridge.Sink, error) {
		return storage.New(storage.Options{Store: documents, Spool: spoolID, Log: log}), nil
	}}
}

// openBridging opens the spool in the data directory and the sinks.
func openBridging(dir *dataDir, f spoolFlags, specs []sinkSpec, log *slog.Logger) (*bridging, error) {
	options := spool.Options{Path: filepath.Join(dir.path, "reports.spool"), Size: f.size, Log: log}
	for _, spec := range specs {
		options.Sinks = append(options.Sinks, spec.name)
	}
	kept, err := spool.Open(options)
	if err != nil {
		return nil, err
	}
	b := &bridging{spool: kept}
	for _, spec := range specs {
		sink, err := spec.make(kept.ID())
		if err != nil {
			return nil, errors.Join(err, b.close())
		}
		b.sinks = append(b.sinks, sink)
	}
	b.Bridge = bridge.New(bridge.Options{Spool: kept, Sinks: b.sinks, Log: log})
	return b, nil
}

// run brings reports on until ctx ends; a manager without a bridge has nothing to do.
func (b *bridging) run(ctx context.Context) error {
	if b == nil {
		return nil
	}
	return b.Run(ctx)
}

func (b *bridging) close() error {
	if b == nil {
		return nil
	}
	err := b.spool.Close()
	for _, sink := range b.sinks {
		if closer, ok := sink.(interface{ Close() }); ok {
			closer.Close()
		}
	}
	return err
}

// takeTime is how long a report may take to be on the disk before its publisher is let go without an acknowledgement: a little less than
// workers wait for one.
const takeTime = 8 * time.Second

// Reason codes of PUBACK in MQTT 5.
const (
	quotaExceeded        = 0x97
	payloadFormatInvalid = 0x99
)

// report takes what was published on the embedded broker: see [broker.Options].
func (b *bridging) report(p broker.Published) error {
	// What is on its way to the disk when the broker ends is still acknowledged.
	ctx, cancel := context.WithTimeout(context.Background(), takeTime)
	defer cancel()
	r := bridge.Read(p.Topic, p.Device, p.Payload, time.Now())
	take := func() error { return b.Take(ctx, r) }
	if p.CanTell {
		take = func() error { return b.Offer(ctx, r) }
	}
	return refusal(take())
}

// refusal is the error as it is told to publishers.
func refusal(err error) error {
	if flaw, ok := errors.AsType[*bridge.FlawError](err); ok {
		return &broker.Refusal{Code: payloadFormatInvalid, Reason: flaw.Flaw}
	}
	switch {
	case errors.Is(err, bridge.ErrFull):
		return &broker.Refusal{Code: quotaExceeded, Reason: bridge.ErrFull.Error()}
	case errors.Is(err, context.DeadlineExceeded):
		return &broker.Refusal{Code: quotaExceeded, Reason: "the disk of the spool of reports takes too long"}
	}
	return err
}
