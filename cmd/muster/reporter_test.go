package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/twmb/franz-go/pkg/kfake"

	"muster/bridge"
	"muster/bridge/kafka"
	"muster/manager/store"
	"muster/test/logs"
	"muster/test/rig"
)

// startReporter runs "muster reporter" until stop is called or the test ends.
func startReporter(t *testing.T, args ...string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	log, ended := &logs.Buffer{}, make(chan error, 1)
	go func() {
		command := newRoot(io.Discard, log)
		command.SilenceErrors, command.SilenceUsage = true, true
		command.SetArgs(append([]string{"reporter"}, args...))
		ended <- command.ExecuteContext(ctx)
	}()
	stopped := false
	stop = func() {
		t.Helper()
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("muster reporter: %v; its log:\n%s", err, log)
		}
	}
	t.Cleanup(stop)
	return stop
}

// reported is report seq of a device.
func reported(device string, seq int64) bridge.Record {
	payload := fmt.Sprintf(`{"device":%q,"hostname":%q,"device_group":"tills","boot":"b","seq":%d,"phase":"settled"}`, device, device, seq)
	r := bridge.Read("muster/v1/devices/"+device+"/report", device, []byte(payload), time.Now())
	r.Offset = uint64(seq)
	return r
}

func toKafka(t *testing.T, addrs []string, records ...bridge.Record) {
	t.Helper()
	sink, err := kafka.NewSink(kafka.SinkOptions{
		Cluster: kafka.Cluster{Brokers: addrs, Log: slog.New(slog.DiscardHandler)}, Topic: kafka.DefaultTopic,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	if err := sink.Write(t.Context(), records); err != nil {
		t.Fatal(err)
	}
}

// eventually tries until there is no error any more.
func eventually(t *testing.T, try func() error) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// stored checks that the store has that many reports, and that the device's last is of that seq.
func stored(st store.Store, count int, device string, seq int64) error {
	reports, err := st.Reports().Page(context.Background(), store.ReportQuery{DeviceGroup: "tills"}, 1000)
	if err != nil || len(reports) != count {
		return fmt.Errorf("%d reports are stored, %w, want %d", len(reports), err, count)
	}
	d, err := st.Devices().Get(context.Background(), device)
	if err != nil || d.Seq != seq || d.DeviceGroup != "tills" {
		return fmt.Errorf("the last report of %s is %d, %w, want %d", device, d.Seq, err, seq)
	}
	return nil
}

// What devices reported, Nebula's too, gets into the store once, however often the reporter is started.
func TestReporter(t *testing.T) {
	dir := t.TempDir()
	url := rig.MongoDB(t)
	for _, tc := range []struct {
		name  string
		args  []string
		flags storeFlags
		dir   string
	}{
		{"SQLite", []string{"--data-dir=" + dir}, storeFlags{}, dir},
		{"MongoDB", []string{"--mongo-url=" + url}, storeFlags{mongoURL: url}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, kafka.DefaultTopic))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			addrs := c.ListenAddrs()
			st, err := tc.flags.open(t.Context(), &dataDir{path: tc.dir}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			poison := reported("till-2", 1)
			poison.Payload = []byte("no report")
			toKafka(t, addrs, reported("till-1", 1), poison, reported("till-1", 2))
			addr := freeAddr(t)
			args := append(tc.args, "--kafka-brokers="+addrs[0], "--http-addr="+addr)
			stop := startReporter(t, args...)
			eventually(t, func() error { return stored(st, 2, "till-1", 2) })
			eventually(t, func() error { return probed(addr) })
			stop()
			toKafka(t, addrs, reported("till-1", 3))
			startReporter(t, args...)
			eventually(t, func() error { return stored(st, 3, "till-1", 3) })
		})
	}
}

// probed checks what a reporter says of itself after two reports and something that is none.
func probed(addr string) error {
	client := http.Client{Timeout: 5 * time.Second}
	for _, path := range []string{"/healthz", "/readyz"} {
		answer, err := client.Get("http://" + addr + path)
		if err != nil {
			return err
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", path, answer.Status)
		}
	}
	answer, err := client.Get("http://" + addr + "/metrics")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(answer.Body)
	if err != nil {
		return err
	}
	for _, want := range []struct {
		value  float64
		name   string
		labels []string
	}{
		{3, "muster_reporter_messages_total", nil},
		{1, "muster_reporter_left_out_total", []string{"why=flawed"}},
		{0, "muster_reporter_failing", nil},
		{3, "muster_reporter_partitions", nil},
		{0, "muster_reporter_lag_messages", nil},
	} {
		if got, err := scrape(families).value(want.name, want.labels...); err != nil || got != want.value {
			return fmt.Errorf("%s is %v, %w, want %v", want.name, got, err, want.value)
		}
	}
	return nil
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestReporterFlagsAreRefused(t *testing.T) {
	for _, tc := range []struct{ args, want string }{
		{"--data-dir=x", "kafka-brokers: must be given"},
		{"--kafka-brokers=k", "mongo-url: must be given, or data-dir"},
		{"--kafka-brokers=k --data-dir=x --mongo-url=mongodb://h/d", "data-dir: is of no use"},
		{"--kafka-brokers=k --data-dir=x --kafka-group=", "kafka-group: must not be empty"},
		{"--kafka-brokers=k --data-dir=x --kafka-auto-offset-reset=first", `kafka-auto-offset-reset: must be earliest or latest, is "first"`},
		{"--kafka-brokers=k --data-dir=x --http-addr=:0", "http-addr: must be HOST:PORT of a loopback address"},
		{"--kafka-brokers=k --data-dir=x --kafka-user=u", "kafka-security-protocol"},
		{"--kafka-brokers=k --data-dir=x --kafka-security-protocol=SSL --kafka-ca-file=/nowhere", "kafka-ca-file: open /nowhere"},
	} {
		command := newRoot(io.Discard, io.Discard)
		command.SilenceErrors, command.SilenceUsage = true, true
		command.SetArgs(append([]string{"reporter"}, strings.Fields(tc.args)...))
		if err := command.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error is %v, want %q in it", tc.args, err, tc.want)
		}
	}
}
