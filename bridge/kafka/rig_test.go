package kafka_test

import (
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"muster/bridge"
	"muster/bridge/kafka"
	"muster/test/logs"
)

const (
	reports = kafka.DefaultTopic
	dead    = kafka.DefaultDeadLetterTopic
)

// brokers starts some, with the two topics.
func brokers(t *testing.T, options ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(3), kfake.SeedTopics(4, reports), kfake.SeedTopics(1, dead)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func cluster(c *kfake.Cluster) kafka.Cluster {
	return kafka.Cluster{Brokers: c.ListenAddrs(), Log: slog.New(slog.DiscardHandler)}
}

// newSink makes a sink that a change may have altered.
func newSink(t *testing.T, c *kfake.Cluster, changes ...func(*kafka.SinkOptions)) *kafka.Sink {
	t.Helper()
	o := kafka.SinkOptions{Cluster: cluster(c), Topic: reports, DeadLetterTopic: dead}
	for _, change := range changes {
		change(&o)
	}
	s, err := kafka.NewSink(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// consume reads all that the topic has now.
func consume(t *testing.T, c *kfake.Cluster, topic string, options ...kgo.Opt) []*kgo.Record {
	t.Helper()
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var want int64
	for _, p := range c.PartitionInfos(topic) {
		want += p.HighWatermark
	}
	var got []*kgo.Record
	for int64(len(got)) < want {
		fetched := client.PollFetches(t.Context())
		if err := fetched.Err(); err != nil {
			t.Fatalf("after %d of %d messages of %s: %v", len(got), want, topic, err)
		}
		got = append(got, fetched.Records()...)
	}
	return got
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 123_000_000, time.UTC)

// record is report seq of a device.
func record(offset uint64, device string, seq int64) bridge.Record {
	payload := fmt.Sprintf(`{"device":%q,"device_group":"tills","report_id":"b-%d","boot":"b","seq":%d}`, device, seq, seq)
	r := bridge.Read("muster/v1/devices/"+device+"/report", device, []byte(payload), noon)
	r.Offset = offset
	return r
}

// fleet is reports from..to of each of n devices, taking turns.
func fleet(n int, from, to int64) (records []bridge.Record) {
	for seq := from; seq <= to; seq++ {
		for d := range n {
			records = append(records, record(uint64(seq)*1000+uint64(d), "d"+strconv.Itoa(d), seq))
		}
	}
	return records
}

func write(t *testing.T, s *kafka.Sink, batch []bridge.Record) {
	t.Helper()
	if err := s.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

// insist writes until it is done, as a pump does, and counts the errors.
func insist(t *testing.T, s *kafka.Sink, batch []bridge.Record) (failed int) {
	t.Helper()
	for {
		err := s.Write(t.Context(), batch)
		switch {
		case err == nil:
			return failed
		case t.Context().Err() != nil:
			t.Fatalf("not done after %d errors: %v", failed, err)
		}
		failed++
	}
}

func header(m *kgo.Record, key string) string {
	for _, h := range m.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// delivered checks that the messages have reports 1..to of each of n devices, and each device's in order but for
// repetitions, of which it gives the number.
func delivered(t *testing.T, messages []*kgo.Record, n int, to int64) (repeated int) {
	t.Helper()
	last := map[string]int64{}
	for _, m := range messages {
		device := string(m.Key)
		seq, err := strconv.ParseInt(header(m, kafka.HeaderSeq), 10, 64)
		if err != nil {
			t.Fatalf("%s: header seq: %v", device, err)
		}
		switch {
		case seq == last[device]+1:
			last[device] = seq
		case seq <= last[device]:
			repeated++
		default:
			t.Errorf("%s: report %d comes right after %d", device, seq, last[device])
			last[device] = seq
		}
	}
	for d := range n {
		if device := "d" + strconv.Itoa(d); last[device] != to {
			t.Errorf("%s: the last report is %d, want %d", device, last[device], to)
		}
	}
	return repeated
}

// noted gives a log and what it has.
func noted() (*slog.Logger, *logs.Buffer) {
	var b logs.Buffer
	return b.Logger(), &b
}

// freePorts gives ports that nobody listens on.
func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}
