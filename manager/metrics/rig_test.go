package metrics_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"muster/broker"
	"muster/manager/checkin"
	"muster/manager/devices"
	"muster/manager/metrics"
	"muster/manager/publish"
	"muster/manager/snapshot"
	"muster/manager/store"
	"muster/manager/store/sqlite"
	"muster/topics"
)

var discard = slog.New(slog.DiscardHandler)

func openStore(t *testing.T) store.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "muster.db"), Log: discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// watched are the metrics of a manager with an embedded broker, of which nothing runs.
func watched(t *testing.T) *metrics.Metrics {
	t.Helper()
	m := metrics.New("1.2.3")
	s := m.Store(openStore(t))
	server, err := broker.Listen(broker.Options{
		Root: topics.DefaultRoot, TCPAddr: "127.0.0.1:0",
		Authenticate: func(broker.Login) (topics.Subject, error) { return topics.Subject{Role: topics.RoleManager}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	client := server.Client("manager")
	t.Cleanup(func() {
		_ = client.Close()
		_ = server.Close()
	})
	configs := snapshot.New(s, time.Now, discard)
	publisher, err := publish.New(client, configs, s.Snapshots(), publish.Options{Manager: "m1", Epoch: s.Epoch(), Log: discard})
	if err != nil {
		t.Fatal(err)
	}
	m.Watch(metrics.Parts{
		Configs: configs, Publisher: publisher, Server: server, Connected: func() bool { return true },
		Checkins: checkin.New(client, configs, publisher, checkin.Options{Log: discard}),
		Devices:  devices.New(client, s.Devices(), configs, devices.Options{Log: discard}),
	})
	m.WatchCertificate(time.Now)
	m.WatchBridge(bridged)
	m.WatchSource(sourced)
	m.WatchReporter(readFromKafka, leftOutFromKafka)
	return m
}

var fqName = regexp.MustCompile(`fqName: "(muster_[^"]+)"`)

// names are those of Muster's own metrics, also of those without a value yet.
func names(t *testing.T, m *metrics.Metrics) map[string]bool {
	t.Helper()
	all := make(map[string]bool)
	descs := make(chan *prometheus.Desc)
	go func() {
		defer close(descs)
		m.Gatherer().(*prometheus.Registry).Describe(descs)
	}()
	for desc := range descs {
		if found := fqName.FindStringSubmatch(desc.String()); found != nil {
			all[found[1]] = true
		}
	}
	return all
}

// value is that of the metric with these labels, or how many values a histogram has; 0 when there is none.
func value(t *testing.T, m *metrics.Metrics, name string, labels map[string]string) float64 {
	t.Helper()
	families, err := m.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, metric := range family.Metric {
			matches := len(metric.Label) == len(labels)
			for _, label := range metric.Label {
				matches = matches && labels[label.GetName()] == label.GetValue()
			}
			if matches {
				return metric.GetCounter().GetValue() + metric.GetGauge().GetValue() + float64(metric.GetHistogram().GetSampleCount())
			}
		}
	}
	return 0
}

// failing is a store whose apps cannot be read.
type failing struct {
	store.Store
	err error
}

func (f failing) Apps() store.Documents[topics.App] { return failingApps{f.Store.Apps(), f.err} }

type failingApps struct {
	store.Documents[topics.App]
	err error
}

func (f failingApps) Get(context.Context, string) (topics.App, error) { return topics.App{}, f.err }
