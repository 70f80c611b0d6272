package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"

	"muster/broker/client"
	"muster/broker/client/network"
	"muster/cmd/internal/program"
	"muster/topics"
	"muster/worker"
	"muster/worker/docker"
	"muster/worker/link"
	"muster/worker/machine"
	"muster/worker/selfcheck"
)

// garbage is how much a worker's memory grows, in percent of what it uses, before it is collected: Go's 100, and at
// least 4 MiB, is more than all that an idle worker needs.
const garbage = 40

// errAnew has the worker begin anew, with what the managers have told it.
var errAnew = errors.New("begin anew")

// run is the worker until ctx ends.
func run(ctx context.Context, f workerFlags, log *slog.Logger) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	if err := os.MkdirAll(f.stateDir, 0o700); err != nil {
		return fmt.Errorf("state-dir: %w", err)
	}
	systemd, err := newSystemd(ctx, log)
	if err != nil {
		return err
	}
	for {
		if err := work(ctx, f, systemd, log); !errors.Is(err, errAnew) {
			return err
		}
	}
}

// work connects the device's engine and its link to the worker, and works until ctx ends or the device has become another.
func work(ctx context.Context, f workerFlags, systemd *systemd, log *slog.Logger) (err error) {
	who, err := f.standing()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel(nil)
	options := who.broker
	dialled := func(client.Client) {}
	if who.known {
		keeper := f.keeper(who, log)
		if who.fresh {
			if err := enrollFirst(ctx, f.stateDir, keeper, systemd); err != nil {
				return err
			}
			return errAnew
		}
		options.Prepare, options.Refused = keeper.Prepare, keeper.Refused
		dialled = func(c client.Client) {
			background.Go(func() {
				if err := keeper.Follow(ctx, c); err != nil && ctx.Err() == nil {
					cancel(err)
				}
			})
		}
		background.Go(func() {
			select {
			case <-ctx.Done():
			case <-keeper.Moved():
				cancel(errAnew)
			}
		})
	}
	logins, err := f.registry.logins()
	if err != nil {
		return err
	}
	engine, err := docker.New(docker.Options{Host: f.dockerHost, Device: who.device, TakeOver: f.takeOver, Logins: logins, Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	agent := "muster-worker/" + program.Version()
	uplink, err := link.New(link.Options{
		Root: topics.Root(f.topicRoot), Group: who.group, Device: who.device, StateDir: f.stateDir, Interval: f.checkIn, TransientStatus: !f.retainStatus,
		Agent: agent, Machine: machine.NewReader(f.stateDir).Read,
		ReportInterval: f.reports.interval, UpdateOnly: f.reports.updateOnly, FailHard: f.reports.failHard, OutboxSize: f.reports.outbox,
		Stats: f.reports.statsOf(engine),
		Dial: func(will func() *client.Message) (client.Client, error) {
			options.ClientID = who.device
			options.Will = will
			options.Log = log
			c, err := network.Dial(options)
			if err != nil {
				return nil, fmt.Errorf("broker-url: %w", err)
			}
			dialled(c)
			return c, nil
		},
		Log: log,
	})
	if err != nil {
		return err
	}
	w, err := worker.New(worker.Options{
		Beat: systemd.beat, BeatEvery: systemd.every,
		Group: who.group, Device: who.device, Agent: agent, StateDir: f.stateDir, Engine: engine, Link: uplink,
		DiskReserve: f.disk.reserve, PruneOnDiskPressure: f.disk.prune,
		MaxPulls: f.registry.maxPulls, MaxRestartWait: f.registry.maxRestartWait, Log: log,
	})
	if err != nil {
		return err
	}
	log.Info("worker started", "device", who.device, "device_group", who.group, "version", program.Version())
	background.Go(func() {
		checkSelf(ctx, log, selfcheck.Options{Host: engine.Host(), Engine: engine, StateDir: f.stateDir, Built: selfcheck.Built()})
	})
	if err := w.Run(ctx); err != nil {
		return err
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// checkSelf logs what is missing on the device.
func checkSelf(ctx context.Context, log *slog.Logger, o selfcheck.Options) {
	problems := selfcheck.Run(ctx, o)
	for _, p := range problems {
		log.Warn("self-check", "problem", p)
	}
	if len(problems) == 0 && ctx.Err() == nil {
		log.Info("self-check passed")
	}
}
