package e2e

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// lossTopic is the topic of Kafka that reports go to by default, and deadLetters where what is no report goes.
const lossTopic, deadLetters = "nebula-reports", "nebula-reports-dead-letter"

// startKafka starts brokers that do as the test likes, and outlive whatever it kills.
func (l *loss) startKafka() {
	l.t.Helper()
	kafka, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.SeedTopics(4, lossTopic), kfake.SeedTopics(1, deadLetters))
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(kafka.Close)
	l.kafka = kafka
}

func (l *loss) kafkaFlags() []string {
	return []string{"--kafka-brokers", strings.Join(l.kafka.ListenAddrs(), ",")}
}

// troubleKafka has partitions change their leaders and requests fail in many ways, and for the third of the time in the
// middle has Kafka not answer at all.
func (l *loss) troubleKafka(over <-chan struct{}) {
	third := time.NewTicker(lossTime(l.t) / 3)
	defer third.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	errs := []*kerr.Error{
		kerr.NotLeaderForPartition, kerr.LeaderNotAvailable, kerr.RequestTimedOut, kerr.NotEnoughReplicasAfterAppend, kerr.KafkaStorageError,
		kerr.UnknownServerError, kerr.TopicAuthorizationFailed,
	}
	fault := l.kafka.Fault() // of one request; one that is not yet hit makes way for the next
	defer func() { fault.Remove() }()
	for outages := 0; ; {
		select {
		case <-over:
			return
		case <-third.C:
			if outages++; outages == 1 {
				l.outage(third.C, over)
			}
		case <-tick.C:
			if rand.N(5) == 0 {
				l.kafka.ShufflePartitionLeaders()
			}
			if rand.N(3) == 0 {
				fault.Remove()
				fault = l.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: lossTopic, Err: errs[rand.N(len(errs))]})
			}
		}
	}
}

// outage closes each connection that asks for anything, until one of the channels says that it is over.
func (l *loss) outage(end <-chan time.Time, over <-chan struct{}) {
	answering := make(chan struct{})
	l.kafka.Control(func(kmsg.Request) (kmsg.Response, error, bool) {
		select {
		case <-answering:
			return nil, nil, false
		default:
			l.kafka.KeepControl()
			return nil, kerr.BrokerNotAvailable, true
		}
	})
	select {
	case <-end:
	case <-over:
	}
	close(answering)
}

// inKafka reads all reports, each partition's in its order.
func (l *loss) inKafka() (all []delivery) {
	l.t.Helper()
	for _, r := range l.consume(lossTopic) {
		d := l.read(r.Value)
		if key := string(r.Key); key != d.Device {
			l.t.Errorf("the key is %q, the device %q", key, d.Device)
		}
		all = append(all, d)
	}
	return all
}

// consume reads all of a topic.
func (l *loss) consume(topic string) (all []*kgo.Record) {
	l.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(l.kafka.ListenAddrs()...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		l.t.Fatal(err)
	}
	defer client.Close()
	var there int64
	for _, p := range l.kafka.PartitionInfos(topic) {
		there += p.HighWatermark
	}
	ctx, cancel := context.WithTimeout(l.t.Context(), patience)
	defer cancel()
	for int64(len(all)) < there {
		fetched := client.PollFetches(ctx)
		if err := fetched.Err(); err != nil {
			l.t.Fatalf("%s, with %d of %d messages read: %v", topic, len(all), there, err)
		}
		all = append(all, fetched.Records()...)
	}
	return all
}
