package main

import (
	"fmt"
	"net"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"muster/bridge/kafka"
)

// A manager whose Kafka is down serves the store, and brings to Kafka what it is owed when that is there.
func TestServeWithKafka(t *testing.T) {
	addr := freeAddr(t)
	s := startServing(t, "--kafka-brokers="+addr)
	want := map[string]string{}
	for _, device := range []string{"till-1", "till-2", "till-3"} {
		want[device] = reportOf(device, 1)
		if err := publishReport(t, s, device, want[device]); err != nil {
			t.Fatal(err)
		}
		s.awaitReports(device, 1)
	}
	s.awaitValue(1, "muster_bridge_sink_failing", "sink=kafka")
	s.awaitValue(3, "muster_bridge_sink_lag_records", "sink=kafka")

	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	var number int
	if _, err := fmt.Sscan(port, &number); err != nil {
		t.Fatal(err)
	}
	c, err := kfake.NewCluster(kfake.Ports(number), kfake.AllowAutoTopicCreation())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s.awaitValue(0, "muster_bridge_sink_lag_records", "sink=kafka")
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics(kafka.DefaultTopic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for len(want) > 0 {
		fetched := client.PollFetches(t.Context())
		if err := fetched.Err(); err != nil {
			t.Fatal(err)
		}
		for _, m := range fetched.Records() {
			if device := string(m.Key); string(m.Value) != want[device] {
				t.Errorf("%s has %s, want %s", device, m.Value, want[device])
			}
			delete(want, string(m.Key))
		}
	}
	s.awaitValue(0, "muster_bridge_sink_failing", "sink=kafka")
	s.awaitValue(0, "muster_bridge_sink_left_out_total", "sink=kafka", "why=discarded")
}
