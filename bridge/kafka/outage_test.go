package kafka_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"muster/bridge/kafka"
)

// A bubble has brokers of its own, whose data survives them, on a network of its own: waits cost nothing.
type bubble struct {
	t       *testing.T
	network kfake.VirtualNetwork
	dir     string
	*kfake.Cluster
}

func newBubble(t *testing.T) *bubble {
	time.Sleep(time.Until(noon)) // as in the records
	b := &bubble{t: t, dir: t.TempDir()}
	b.start()
	t.Cleanup(func() { b.Close() })
	return b
}

func (b *bubble) start() {
	c, err := kfake.NewCluster(kfake.ListenFn(b.network.Listen), kfake.Ports(9092, 9093), kfake.DataDir(b.dir), kfake.SeedTopics(4, reports), kfake.SeedTopics(1, dead))
	if err != nil {
		b.t.Fatal(err)
	}
	b.Cluster = c
}

func (b *bubble) sink() *kafka.Sink {
	return newSink(b.t, b.Cluster, func(o *kafka.SinkOptions) {
		o.Brokers, o.Dial = []string{"localhost:9092", "localhost:9093"}, b.network.DialContext
	})
}

func (b *bubble) consume(topic string) []*kgo.Record {
	return consume(b.t, b.Cluster, topic, kgo.Dialer(b.network.DialContext))
}

// Whatever the brokers answer, all is there in the end, each device's in order.
func TestErrorsOfTheBrokersLoseNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		s := b.sink()
		errs := []*kerr.Error{
			kerr.NotLeaderForPartition, kerr.LeaderNotAvailable, kerr.RequestTimedOut, kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend,
			kerr.UnknownServerError, kerr.KafkaStorageError, kerr.OutOfOrderSequenceNumber, kerr.TopicAuthorizationFailed,
			kerr.CorruptMessage, kerr.InvalidProducerEpoch, kerr.InvalidTimestamp, kerr.PolicyViolation,
		}
		const devices, perBatch = 9, 3
		failed, answered := 0, 0
		for i, e := range errs {
			h := b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: reports, Partitions: []int32{int32(i % 4)}, Err: e, Count: 2})
			failed += insist(t, s, fleet(devices, int64(i*perBatch+1), int64((i+1)*perBatch)))
			answered += h.Hits()
			h.Remove()
		}
		if failed == 0 || answered < len(errs) {
			t.Errorf("%d errors and %d faults: this test tests nothing", failed, answered)
		}
		repeated := delivered(t, b.consume(reports), devices, int64(len(errs)*perBatch))
		t.Logf("%d errors answered, %d told, %d reports twice", answered, failed, repeated)
	})
}

// Ten minutes without brokers, or with ones that take requests and never answer.
func TestOutage(t *testing.T) {
	for _, tc := range []struct {
		name       string
		begin, end func(*bubble)
		says       string
	}{
		{"down", func(b *bubble) { b.Close() }, (*bubble).start, "no listener on port 909"},
		{"hung", func(b *bubble) {
			b.Control(func(kmsg.Request) (kmsg.Response, error, bool) {
				b.KeepControl()
				return nil, nil, true
			})
		}, func(b *bubble) {
			b.Close()
			b.start()
		}, ""},
		{"without a quorum", func(b *bubble) {
			b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1})
		}, func(b *bubble) {
			b.Close()
			b.start()
		}, "did not confirm in time"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t)
				s := b.sink()
				const devices = 30
				write(t, s, fleet(devices, 1, 10))
				tc.begin(b)
				failed := 0
				for began := time.Now(); time.Since(began) < 10*time.Minute; time.Sleep(5 * time.Second) {
					trying := time.Now()
					err := s.Write(t.Context(), fleet(devices, 11, 20))
					if err == nil || !strings.Contains(err.Error(), tc.says) {
						t.Fatalf("error is %v, want %q in it", err, tc.says)
					}
					if took := time.Since(trying); took > 31*time.Second {
						t.Errorf("that took %v, want at most 30s", took)
					}
					synctest.Wait()
					if n := s.Buffered(); n != 0 {
						t.Fatalf("%d messages are left with the library", n)
					}
					failed++
				}
				tc.end(b)
				failed += insist(t, s, fleet(devices, 11, 20))
				write(t, s, fleet(devices, 21, 30))
				t.Logf("%d errors told, %d reports twice", failed, delivered(t, b.consume(reports), devices, 30))
			})
		})
	}
}

func TestReaderOutlivesAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := newBubble(t), newKept()
		write(t, b.sink(), fleet(5, 1, 5))
		reader, stop := startReader(t, b.Cluster, k, func(o *kafka.ReaderOptions) {
			o.Brokers, o.Dial = []string{"localhost:9092", "localhost:9093"}, b.network.DialContext
		})
		defer stop()
		k.await(t, "the first are there", k.has(5, 5))
		b.Close()
		time.Sleep(10 * time.Minute)
		if got := reader.Stats(); got.Failing == "" || reader.Ready() {
			t.Errorf("nothing is told of it: stats are %+v, ready is %t", got, reader.Ready())
		}
		b.start()
		back := time.Now()
		write(t, b.sink(), fleet(5, 6, 10))
		k.await(t, "all are there", k.has(5, 10))
		if took := time.Since(back); took > 20*time.Second {
			t.Errorf("it took %v to go on", took)
		}
		k.inOrder(t, 5, 10)
		time.Sleep(time.Minute)
		if got := reader.Stats(); got.Failing != "" || !reader.Ready() {
			t.Errorf("it is over: stats are %+v, ready is %t", got, reader.Ready())
		}
	})
}

func TestWriteEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		s := b.sink()
		b.Control(func(kmsg.Request) (kmsg.Response, error, bool) {
			b.KeepControl()
			return nil, nil, true
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := s.Write(ctx, fleet(3, 1, 3)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v", err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it took %v after 1s", took)
		}
	})
}
