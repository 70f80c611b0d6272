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

// run connects the device's engine and its link to the worker, and works until ctx ends.
func run(ctx context.Context, f workerFlags, log *slog.Logger) (err error) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	root, err := topics.ParseRoot(f.topicRoot)
	if err != nil {
		return fmt.Errorf("topic-root: %w", err)
	}
	options, err := f.broker.Options()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(f.stateDir, 0o700); err != nil {
		return fmt.Errorf("state-dir: %w", err)
	}
	logins, err := f.registry.logins()
	if err != nil {
		return err
	}
	engine, err := docker.New(docker.Options{Host: f.dockerHost, Device: f.device, TakeOver: f.takeOver, Logins: logins, Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	agent := "muster-worker/" + program.Version()
	uplink, err := link.New(link.Options{
		Root: root, Group: f.group, Device: f.device, StateDir: f.stateDir, Interval: f.checkIn, TransientStatus: !f.retainStatus,
		Agent: agent, Machine: machine.NewReader(f.stateDir).Read,
		ReportInterval: f.reports.interval, UpdateOnly: f.reports.updateOnly, FailHard: f.reports.failHard, OutboxSize: f.reports.outbox,
		Stats: f.reports.statsOf(engine),
		Dial: func(will func() *client.Message) (client.Client, error) {
			options.ClientID = f.device
			options.Will = will
			options.Log = log
			c, err := network.Dial(options)
			if err != nil {
				return nil, fmt.Errorf("broker-url: %w", err)
			}
			return c, nil
		},
		Log: log,
	})
	if err != nil {
		return err
	}
	systemd, err := newSystemd(ctx, log)
	if err != nil {
		return err
	}
	w, err := worker.New(worker.Options{
		Beat: systemd.beat, BeatEvery: systemd.every,
		Group: f.group, Device: f.device, Agent: agent, StateDir: f.stateDir, Engine: engine, Link: uplink,
		DiskReserve: f.disk.reserve, PruneOnDiskPressure: f.disk.prune,
		MaxPulls: f.registry.maxPulls, MaxRestartWait: f.registry.maxRestartWait, Log: log,
	})
	if err != nil {
		return err
	}
	log.Info("worker started", "device", f.device, "device_group", f.group, "version", program.Version())
	ctx, cancel := context.WithCancel(ctx)
	var checks sync.WaitGroup
	defer checks.Wait()
	defer cancel()
	checks.Go(func() {
		checkSelf(ctx, log, selfcheck.Options{Host: engine.Host(), Engine: engine, StateDir: f.stateDir, Built: selfcheck.Built()})
	})
	return w.Run(ctx)
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
