package kafka_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"muster/bridge"
	"muster/bridge/kafka"
	"muster/test/rig"
)

// BenchmarkWrite writes batches as a bridge does: 1,000 reports of 1,000 devices or less of large ones, to three brokers that
// are as far away as a round trip takes.
func BenchmarkWrite(b *testing.B) {
	for _, roundTrip := range []int{0, 50, 100} {
		for _, bytes := range []int{700, 2_000, 16_000} {
			for _, partitions := range []int{1, 12} {
				b.Run(fmt.Sprintf("%dms,%dB,%dpartitions", roundTrip, bytes, partitions), func(b *testing.B) {
					benchmarkWrite(b, roundTrip, bytes, partitions)
				})
			}
		}
	}
}

func benchmarkWrite(b *testing.B, roundTrip, bytes, partitions int) {
	c, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.SeedTopics(int32(partitions), reports), kfake.BrokerConfigs(map[string]string{"log.retention.bytes": "100000000"}))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	o := kafka.SinkOptions{Cluster: cluster(c), Topic: reports}
	if roundTrip > 0 {
		o.Dial = far(b, c.ListenAddrs(), roundTrip)
	}
	s, err := kafka.NewSink(o)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if err := s.Write(b.Context(), fleet(1, 1, 1)); err != nil {
		b.Fatal(err)
	}
	const fromSpool = 4 << 20
	perBatch := min(1000, fromSpool/bytes)
	batch := make([]bridge.Record, perBatch)
	for i := range batch {
		batch[i] = record(0, fmt.Sprint("device-", i), 1)
		batch[i].Payload = told(bytes)
	}
	offset := uint64(1)
	began := time.Now()
	for b.Loop() {
		for i := range batch {
			offset++
			batch[i].Offset = offset
		}
		if err := s.Write(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(offset)/time.Since(began).Seconds(), "reports/s")
}

// told is a report of that size as devices of one fleet make them: all run some of the same apps, each with its own figures.
func told(bytes int) []byte {
	var b strings.Builder
	for b.WriteString(`{"apps":[`); b.Len() < bytes; {
		app := rand.IntN(20)
		fmt.Fprintf(&b, `{"app":"app-%d","image":"registry.example/team/app-%d@sha256:%x","state":"running","started":%d,"cpu":%f,"memory":%d},`,
			app, app, sha256.Sum256([]byte{byte(app)}), rand.Int64(), rand.Float64(), rand.Int64())
	}
	return []byte(b.String()[:bytes])
}

// far dials the brokers through proxies that take as many milliseconds for each answer.
func far(b *testing.B, addrs []string, ms int) func(context.Context, string, string) (net.Conn, error) {
	b.Helper()
	server, through := rig.Toxiproxy(b), map[string]string{}
	for _, addr := range addrs {
		p, err := server.NewProxy(b.Context(), addr)
		if err != nil {
			b.Fatal(err)
		}
		if err := p.Add(b.Context(), rig.Latency(ms, 0)); err != nil {
			b.Fatal(err)
		}
		through[addr] = p.Addr
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, through[addr])
	}
}
