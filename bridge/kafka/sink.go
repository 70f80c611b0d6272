package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"muster/bridge"
)

// Defaults of a [Sink], and of "muster reporter"; those of Nebula where it has them.
const (
	DefaultTopic           = "nebula-reports"
	DefaultDeadLetterTopic = "nebula-reports-dead-letter"
)

// SinkOptions are those of a [Sink]. Topic and those of the [Cluster] are required.
type SinkOptions struct {
	Cluster
	// Topic is where reports go, and DeadLetterTopic where what is no report goes and what Topic cannot have; when that is empty,
	// such a record is only logged and counted.
	Topic, DeadLetterTopic string
	// CreateTopics has the brokers make a topic that is not there, if they are set up to.
	CreateTopics bool
	// Timeout is how long the brokers may take for a batch, with all of the library's own attempts, before that is told as an
	// error; by default 30 s.
	Timeout time.Duration
}

// A Sink writes records to Kafka. It is a [bridge.Sink].
//
// The brokers take a producer's batches of a partition in their order or not at all, and when one is refused the library fails
// all behind it: nothing is written before what comes before it, whatever becomes of that.
type Sink struct {
	o       SinkOptions
	options []kgo.Opt
	client  *kgo.Client
	dialing *dialing
	// written has the offsets of records that are settled, of batches that are not: they are not written once more when
	// they are given again, be it in smaller batches.
	written map[uint64]bool
	// noLetters is why the topic for dead letters cannot be used, and lettersAt when that is tried again.
	noLetters error
	lettersAt time.Time

	deadLetters, discarded atomic.Uint64
}

// NewSink makes a sink. It does not connect: the first Write does. Close ends it.
func NewSink(o SinkOptions) (*Sink, error) {
	if o.Topic == "" {
		return nil, errors.New("topic: must not be empty")
	}
	if o.Topic == o.DeadLetterTopic {
		return nil, fmt.Errorf("dead letter topic: must be another than that of reports, is %q too", o.Topic)
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	options, err := o.options()
	if err != nil {
		return nil, err
	}
	dialing := &dialing{}
	options = append(options,
		kgo.WithHooks(dialing),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		// As Kafka's own clients choose a partition by the key.
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
		kgo.ManualFlushing(),
	)
	if o.CreateTopics {
		options = append(options, kgo.AllowAutoTopicCreation())
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	return &Sink{o: o, options: options, client: client, dialing: dialing, written: map[uint64]bool{}}, nil
}

// Name is "kafka".
func (s *Sink) Name() string { return "kafka" }

// Close ends the connections. Write must have returned.
func (s *Sink) Close() { s.client.Close() }

// LeftOut implements [bridge.Sorter]: dead letters are in the topic for them; what was discarded is nowhere, because there is no such
// topic or it refused them too, and each is in the log.
func (s *Sink) LeftOut() map[string]int64 {
	return map[string]int64{"dead_letter": int64(s.deadLetters.Load()), "discarded": int64(s.discarded.Load())}
}

// Write brings the batch to Kafka. A record that Kafka refuses, or that is no report, becomes a dead letter. An error
// is one of the brokers or on the way to them; it says what is to be done where that is known.
func (s *Sink) Write(ctx context.Context, batch []bridge.Record) error {
	var rest []bridge.Record
	for _, r := range batch {
		switch {
		case s.written[r.Offset]:
		case r.Flaw != "" && s.o.DeadLetterTopic == "":
			s.discard(r, errors.New(r.Flaw))
		case r.Flaw != "" && time.Now().Before(s.lettersAt):
			s.discard(r, s.noLetters)
		default:
			rest = append(rest, r)
		}
	}
	if err := s.write(ctx, rest); err != nil {
		return err
	}
	for _, r := range batch {
		delete(s.written, r.Offset)
	}
	return nil
}
