package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"muster/cmd/internal/brokerflags"
	"muster/cmd/internal/kafkaflags"
	"muster/cmd/internal/program"
	"muster/cmd/internal/settings"
	"muster/manager/api"
	"muster/manager/health"
	"muster/manager/metrics"
	"muster/manager/retention"
	"muster/manager/store"
	"muster/topics"
)

// bridgeFlags are the settings of "muster bridge".
type bridgeFlags struct {
	dataDir   string
	broker    brokerflags.Flags
	source    sourceFlags
	store     storeFlags
	kafka     kafkaflags.SinkFlags
	spool     spoolFlags
	reportTTL time.Duration
	topicRoot string
	httpAddr  string
	log       program.LogFlags
}

func newBridge(stderr io.Writer) *cobra.Command {
	var f bridgeFlags
	command := &cobra.Command{
		Use:   "bridge",
		Short: "Bring reports from any MQTT broker to Kafka, a store in MongoDB, or both",
		Args:  cobra.NoArgs,
		RunE: f.log.Run(stderr, f.check, func(ctx context.Context, log *slog.Logger) error {
			return runBridge(ctx, f, log)
		}),
	}
	flags := command.Flags()
	flags.StringVar(&f.dataDir, "data-dir", "muster-bridge", "directory of the spool, and of the file http.addr")
	f.broker.Declare(flags, "take reports from this MQTT broker")
	f.source.declare(flags, bridgeName)
	f.store.declare(flags)
	f.kafka.Declare(flags)
	f.spool.declare(flags)
	settings.DurationVar(flags, &f.reportTTL, "report-ttl", retention.DefaultTTL, "how long the store keeps reports; the last one of each device is kept for ever")
	flags.StringVar(&f.topicRoot, "topic-root", string(topics.DefaultRoot), "prefix of all MQTT topics")
	flags.StringVar(&f.httpAddr, "http-addr", "", "HOST:PORT, on a loopback address, of /metrics, /healthz and /readyz, which ask for no credentials; port 0 picks a free one, empty is off")
	f.log.Declare(flags)
	program.Settings(command, reportNames())
	return command
}

// bridgeName and managersName are what bridges are called by default, those of managers by another name: each name gets all
// reports.
const (
	bridgeName   = "bridge"
	managersName = "managers"
)

// check refuses what can be refused before anything is opened.
func (f *bridgeFlags) check() error {
	if f.dataDir == "" {
		return errors.New("data-dir: must not be empty")
	}
	if _, err := f.broker.Options(); err != nil {
		return err
	}
	if _, err := topics.ParseRoot(f.topicRoot); err != nil {
		return fmt.Errorf("topic-root: %w", err)
	}
	for _, check := range []func() error{func() error { return checkObserved(f.httpAddr) }, func() error { return f.source.check(true) }, f.store.check, f.kafka.Check, f.spool.check} {
		if err := check(); err != nil {
			return err
		}
	}
	if url, err := f.store.url(); err != nil || url == "" && !f.kafka.Given() {
		return errors.Join(err, errors.New("kafka-brokers: must be given, or mongo-url"))
	}
	return nil
}

// runBridge runs the parts until ctx ends or one of them fails, and closes them in the opposite order.
func runBridge(ctx context.Context, f bridgeFlags, log *slog.Logger) (err error) {
	closing := func(close func() error) { err = errors.Join(err, close()) }
	dir, err := openDataDir(f.dataDir)
	if err != nil {
		return err
	}
	defer closing(dir.close)
	measures := metrics.New(program.Version())
	var specs []sinkSpec
	var kept store.Store
	probe := func(context.Context) error { return nil }
	if url, err := f.store.url(); err != nil {
		return err
	} else if url != "" {
		opened, err := f.store.open(ctx, dir, log)
		if err != nil {
			return err
		}
		defer closing(opened.Close)
		kept = measures.Store(opened)
		specs, probe = append(specs, storeSink(kept, log)), kept.Ping
	}
	if f.kafka.Given() {
		specs = append(specs, kafkaSink(f.kafka, log))
	}
	reports, err := openBridging(dir, f.spool, specs, log)
	if err != nil {
		return err
	}
	defer closing(reports.close)
	source, err := f.source.source(&f.broker, topics.Root(f.topicRoot), bridgeName, reports, log)
	if err != nil {
		return err
	}
	measures.WatchBridge(reports.Stats)
	measures.WatchSource(source.Stats)
	state := health.New(health.Options{Store: probe, Broker: source.Reached, Log: log})
	group, ctx := errgroup.WithContext(ctx)
	if f.httpAddr != "" {
		server, err := api.Listen(f.httpAddr, observed(state, measures), log)
		if err != nil {
			return fmt.Errorf("http-addr: %w", err)
		}
		if err := dir.write(httpAddrFile, server.Addr().String()+"\n"); err != nil {
			return err
		}
		log.Info("ready", "http", server.Addr().String(), "data_dir", dir.path)
		group.Go(func() error { return server.Run(ctx) })
	}
	if kept != nil {
		group.Go(func() error {
			retention.New(kept.Reports(), f.reportTTL, log).Run(ctx)
			return nil
		})
	}
	group.Go(func() error { return source.Run(ctx) })
	group.Go(func() error { return reports.run(ctx) })
	return group.Wait()
}
