package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"muster/bridge/kafka"
	"muster/broker/client"
	"muster/broker/client/network"
	"muster/broker/client/network/networktest"
	"muster/test/logs"
	"muster/test/rig"
	"muster/topics"
)

// externalDevice publishes reports at an external broker, and returns when that has them.
func externalDevice(t *testing.T, url, name string, seqs ...int) {
	t.Helper()
	c := networktest.Dial(t, network.Options{URL: url, ClientID: name})
	defer c.Close()
	up := make(chan struct{}, 10)
	c.OnUp(func() { up <- struct{}{} })
	<-up
	for _, seq := range seqs {
		m := client.Message{Topic: topics.DefaultRoot.Topic(topics.DeviceReport, name), Payload: []byte(reportOf(name, seq)), QoS: 1}
		if err := c.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

// Of two managers on one broker, one takes the reports, and the other does in its place.
func TestManagersTakeTurnsAtAnExternalBroker(t *testing.T) {
	b := rig.Mosquitto(t, rig.MosquittoOptions{})
	first := startServing(t, "--broker-url", b.URL())
	first.awaitValue(1, "muster_bridge_source_connected")
	second := startServing(t, "--broker-url", b.URL())
	second.awaitValue(1, "muster_bridge_source_standby")
	externalDevice(t, b.URL(), "d1", 1, 2)
	first.awaitReports("d1", 1, 2)
	first.wait()
	externalDevice(t, b.URL(), "d1", 3)
	second.awaitReports("d1", 3)
	second.awaitValue(1, "muster_bridge_source_connected")
	second.awaitValue(0, "muster_bridge_source_sessions_lost_total")
}

// "muster bridge" brings to Kafka what came while it ran and while it did not.
func TestBridgeCommand(t *testing.T) {
	b := rig.Mosquitto(t, rig.MosquittoOptions{})
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, kafka.DefaultTopic))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	dir := t.TempDir()
	args := []string{"--data-dir", dir, "--broker-url", b.URL(), "--kafka-brokers", strings.Join(c.ListenAddrs(), ","), "--http-addr=127.0.0.1:0"}
	stop := startBridge(t, args...)
	awaitAnswer(t, dir, "/readyz", `"ready":true`)
	externalDevice(t, b.URL(), "d1", 1, 2)
	awaitAnswer(t, dir, "/metrics", `muster_bridge_sink_written_total{sink="kafka"} 2`)
	stop()
	externalDevice(t, b.URL(), "d1", 3)
	startBridge(t, args...)
	awaitAnswer(t, dir, "/metrics", `muster_bridge_sink_written_total{sink="kafka"} 1`)
	reader, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics(kafka.DefaultTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var got []string
	for len(got) < 3 {
		fetched := reader.PollFetches(t.Context())
		if err := fetched.Err(); err != nil {
			t.Fatal(err)
		}
		fetched.EachRecord(func(r *kgo.Record) { got = append(got, string(r.Value)) })
	}
	if want := []string{reportOf("d1", 1), reportOf("d1", 2), reportOf("d1", 3)}; !slices.Equal(got, want) {
		t.Errorf("in Kafka is %q, want %q", got, want)
	}
}

// startBridge runs "muster bridge" until stop is called or the test ends.
func startBridge(t *testing.T, args ...string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	log, ended := &logs.Buffer{}, make(chan error, 1)
	command := newRoot(io.Discard, log)
	command.SilenceErrors, command.SilenceUsage = true, true
	command.SetArgs(append([]string{"bridge"}, args...))
	go func() { ended <- command.ExecuteContext(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("muster bridge: %v; its log:\n%s", err, log)
		}
	}
	t.Cleanup(stop)
	return stop
}

// awaitAnswer returns when the bridge in that directory answers with the text.
func awaitAnswer(t *testing.T, dir, path, want string) {
	t.Helper()
	var last string
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if last = answerOf(dir, path); strings.Contains(last, want) {
			return
		}
	}
	t.Fatalf("%s does not say %s but %.2000s", path, want, last)
}

func answerOf(dir, path string) string {
	addr, err := os.ReadFile(filepath.Join(dir, httpAddrFile))
	if err != nil {
		return err.Error()
	}
	answer, err := http.Get("http://" + strings.TrimSpace(string(addr)) + path) //nolint:noctx // a test's own server
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return fmt.Sprint(string(body), err)
}

func TestBridgeFlagsAreRefused(t *testing.T) {
	for want, args := range map[string][]string{
		"broker-url: ":    {"--kafka-brokers=k:9092"},
		"kafka-brokers: ": {"--broker-url=mqtt://127.0.0.1:1"},
		"bridge-part: ":   {"--broker-url=mqtt://127.0.0.1:1", "--kafka-brokers=k:9092", "--bridge-part=4/3"},
		"bridge-share: ":  {"--broker-url=mqtt://127.0.0.1:1", "--kafka-brokers=k:9092", "--bridge-share=a/b"},
		"bridge-name: ":   {"--broker-url=mqtt://127.0.0.1:1", "--kafka-brokers=k:9092", "--bridge-name=a b"},
		"http-addr: must be HOST:PORT of a loopback address": {"--broker-url=mqtt://127.0.0.1:1", "--kafka-brokers=k:9092", "--http-addr=0.0.0.0:0"},
		"bridge-part and bridge-share: ":                     {"--broker-url=mqtt://127.0.0.1:1", "--kafka-brokers=k:9092", "--bridge-part=1/3", "--bridge-share=a"},
	} {
		command := newRoot(io.Discard, io.Discard)
		command.SilenceErrors, command.SilenceUsage = true, true
		command.SetArgs(append([]string{"bridge", "--data-dir", t.TempDir()}, args...))
		if err := command.ExecuteContext(t.Context()); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v: %v, want %s", args, err, want)
		}
	}
	err := run(t.Context(), t.TempDir(), io.Discard, io.Discard, "--bridge-part=1/2")
	if err == nil || !strings.Contains(err.Error(), "bridge-part: is of no use without broker-url") {
		t.Errorf("a part of the embedded broker's devices: %v", err)
	}
}
