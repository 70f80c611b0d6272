package main

import (
	"log/slog"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"muster/bridge"
	"muster/bridge/kafka"
)

// BenchmarkKafkaLag is how old the oldest report was that Kafka's three brokers did not have, as [BenchmarkStoreLag] is for the
// store: at 5,000 per second and as fast as devices can.
func BenchmarkKafkaLag(b *testing.B) {
	for name, rate := range map[string]int{"5000 per second": 5_000, "full speed": 0} {
		b.Run(name, func(b *testing.B) {
			c, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.SeedTopics(12, kafka.DefaultTopic))
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			benchmarkPuback(b, rate, sinkSpec{"kafka", func(string) (bridge.Sink, error) {
				return kafka.NewSink(kafka.SinkOptions{
					Cluster: kafka.Cluster{Brokers: c.ListenAddrs(), Log: slog.New(slog.DiscardHandler)}, Topic: kafka.DefaultTopic,
				})
			}})
		})
	}
}
