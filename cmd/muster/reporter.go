package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"muster/bridge"
	"muster/bridge/kafka"
	"muster/bridge/storage"
	"muster/cmd/internal/kafkaflags"
	"muster/cmd/internal/program"
	"muster/cmd/internal/settings"
	"muster/manager/api"
	"muster/manager/health"
	"muster/manager/metrics"
	"muster/manager/retention"
	"muster/manager/store"
)

// reporterFlags are the settings of "muster reporter".
type reporterFlags struct {
	dataDir     string
	store       storeFlags
	kafka       kafkaflags.Flags
	group       string
	offsetReset string
	reportTTL   time.Duration
	httpAddr    string
	log         program.LogFlags
}

// reporterNames are the environment variables of Nebula's reporter.
func reporterNames() settings.Aliases {
	names := reportNames()
	names["kafka-group"] = []string{"KAFKA_GROUP_ID"}
	names["kafka-auto-offset-reset"] = []string{"KAFKA_AUTO_OFFSET_RESET"}
	return names
}

// reportNames are those for whoever brings reports to a store or to Kafka.
func reportNames() settings.Aliases {
	names := settings.Aliases{}
	for _, name := range []string{"mongo-url", "mongo-database", "report-ttl"} {
		names[name] = nebulaNames[name]
	}
	maps.Copy(names, kafkaflags.NebulaNames)
	return names
}

func newReporter(stderr io.Writer) *cobra.Command {
	var f reporterFlags
	command := &cobra.Command{
		Use:   "reporter",
		Short: "Bring reports from Kafka to a store, as Nebula's reporter does",
		Args:  cobra.NoArgs,
		RunE: f.log.Run(stderr, f.check, func(ctx context.Context, log *slog.Logger) error {
			return report(ctx, f, log)
		}),
	}
	flags := command.Flags()
	f.kafka.Declare(flags, "read reports from this Kafka", "Kafka topic that reports are read from")
	flags.StringVar(&f.group, "kafka-group", kafka.DefaultGroup, "Kafka's consumer group; its members share the work")
	flags.StringVar(&f.offsetReset, "kafka-auto-offset-reset", "earliest", "where a group that has never read begins: earliest is with the oldest report there is, latest with what comes from now on")
	f.store.declare(flags)
	flags.StringVar(&f.dataDir, "data-dir", "", "data directory of a \"muster serve\" on this machine, whose store reports are brought to, when that is not in MongoDB")
	settings.DurationVar(flags, &f.reportTTL, "report-ttl", retention.DefaultTTL, "how long reports are kept; the last one of each device is kept for ever")
	flags.StringVar(&f.httpAddr, "http-addr", "", "HOST:PORT, on a loopback address, of /metrics, /healthz and /readyz, which ask for no credentials; port 0 picks a free one, empty is off")
	f.log.Declare(flags)
	program.Settings(command, reporterNames())
	return command
}

// check refuses what can be refused before anything is opened.
func (f *reporterFlags) check() error {
	if !f.kafka.Given() {
		return errors.New("kafka-brokers: must be given, such as kafka.example:9092")
	}
	if err := f.kafka.Check(); err != nil {
		return err
	}
	if f.group == "" {
		return errors.New("kafka-group: must not be empty")
	}
	if f.offsetReset != "earliest" && f.offsetReset != "latest" {
		return fmt.Errorf("kafka-auto-offset-reset: must be earliest or latest, is %q", f.offsetReset)
	}
	if err := checkObserved(f.httpAddr); err != nil {
		return err
	}
	if err := f.store.check(); err != nil {
		return err
	}
	url, err := f.store.url()
	switch {
	case err != nil:
		return err
	case url == "" && f.dataDir == "":
		return errors.New("mongo-url: must be given, or data-dir")
	case url != "" && f.dataDir != "":
		return errors.New("data-dir: is of no use with mongo-url")
	}
	return nil
}

// report runs the parts until ctx ends or one of them fails.
func report(ctx context.Context, f reporterFlags, log *slog.Logger) (err error) {
	reached, err := f.kafka.Cluster("muster-reporter-"+program.HostName(), log)
	if err != nil {
		return &program.UsageError{Err: err}
	}
	// The directory is not locked: a "muster serve" that runs there shares its store.
	opened, err := f.store.open(ctx, &dataDir{path: f.dataDir}, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	measures := metrics.New(program.Version())
	sinks := &partitionSinks{store: measures.Store(opened), log: log}
	reader, err := kafka.NewReader(kafka.ReaderOptions{
		Cluster: reached, Topic: f.kafka.Topic(), Group: f.group, FromEnd: f.offsetReset == "latest", Sink: sinks.open,
	})
	if err != nil {
		return err
	}
	measures.WatchReporter(reader.Stats, sinks.leftOut)
	state := health.New(health.Options{Store: sinks.store.Ping, Broker: reader.Ready, Log: log})
	group, ctx := errgroup.WithContext(ctx)
	if f.httpAddr != "" {
		server, err := api.Listen(f.httpAddr, observed(state, measures), log)
		if err != nil {
			return fmt.Errorf("http-addr: %w", err)
		}
		log.Info("ready", "http", server.Addr().String())
		group.Go(func() error { return server.Run(ctx) })
	}
	group.Go(func() error {
		reader.Run(ctx)
		return nil
	})
	group.Go(func() error {
		retention.New(sinks.store.Reports(), f.reportTTL, log).Run(ctx)
		return nil
	})
	return group.Wait()
}

// checkObserved refuses an address at which strangers could look on.
func checkObserved(addr string) error {
	if addr != "" && !loopback(addr) {
		return fmt.Errorf("http-addr: must be HOST:PORT of a loopback address, since it asks for no credentials, is %q", addr)
	}
	return nil
}

// observed answers those who watch over the process.
func observed(state *health.Health, measures *metrics.Metrics) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", measures.Handler())
	for path, probe := range probes(state) {
		mux.HandleFunc("GET "+path, probe)
	}
	return mux
}

// partitionSinks are the sinks of all partitions that this process has had.
type partitionSinks struct {
	store store.Store
	log   *slog.Logger

	mu  sync.Mutex
	all []*storage.Sink
}

func (s *partitionSinks) open(topic string, partition int32) bridge.Sink {
	sink := storage.New(storage.Options{Store: s.store, Spool: fmt.Sprintf("kafka/%s/%d", topic, partition), Log: s.log})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, sink)
	return sink
}

// leftOut counts what is not in the store, by why.
func (s *partitionSinks) leftOut() map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := map[string]int64{}
	for _, sink := range s.all {
		for why, n := range sink.LeftOut() {
			sum[why] += n
		}
	}
	return sum
}
