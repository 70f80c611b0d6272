package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"muster/bridge"
)

// DefaultGroup is the consumer group of a [Reader]: Nebula's reporter's.
const DefaultGroup = "nebula-reporter-group"

// ReaderOptions are those of a [Reader]. All but FromEnd are required.
type ReaderOptions struct {
	Cluster
	// Topic is read, by all members of Group together.
	Topic, Group string
	// FromEnd has a group that has never read begin with what comes from now on, not with the oldest message there is.
	FromEnd bool
	// Sink makes the sink of a partition, to which its messages are written in their order. It is called once for each.
	Sink func(topic string, partition int32) bridge.Sink
}

// A Reader brings what is in Kafka to sinks.
//
// Offsets are committed when the sink has what is before them. A record's Offset and Received are the message's, so that one
// which is read again, after a crash or by another member of the group, is the same record.
type Reader struct {
	o      ReaderOptions
	client *kgo.Client
	sinks  map[int32]bridge.Sink

	mu    sync.Mutex
	lags  map[int32]int64 // of the partitions that this member has
	ready bool

	read, retries atomic.Int64
	failing       atomic.Pointer[string]
}

// NewReader makes a reader. It joins its group at once, be there brokers or not; Run must be called, and leaves it.
func NewReader(o ReaderOptions) (*Reader, error) {
	if o.Topic == "" || o.Group == "" {
		return nil, errors.New("topic and group: must not be empty")
	}
	options, err := o.options()
	if err != nil {
		return nil, err
	}
	start := kgo.NewOffset().AtStart()
	if o.FromEnd {
		start = kgo.NewOffset().AtEnd()
	}
	r := &Reader{o: o, sinks: map[int32]bridge.Sink{}, lags: map[int32]int64{}}
	r.client, err = kgo.NewClient(append(options,
		kgo.ConsumerGroup(o.Group), kgo.ConsumeTopics(o.Topic), kgo.ConsumeResetOffset(start),
		kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(), kgo.SessionTimeout(sessionTimeout), kgo.RebalanceTimeout(rebalanceTimeout),
		kgo.OnPartitionsAssigned(r.assigned), kgo.OnPartitionsRevoked(r.revoked), kgo.OnPartitionsLost(r.lost),
		kgo.FetchMaxBytes(8<<20), kgo.FetchMaxPartitionBytes(1<<20),
	)...)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	return r, nil
}

const (
	// sessionTimeout is how long the group waits for a member that was killed, before others get its partitions.
	sessionTimeout = 10 * time.Second
	// rebalanceTimeout is how long it waits for those that are to join it anew: one that was killed just then, or a store that
	// takes long for what it was given.
	rebalanceTimeout = 20 * time.Second
)

// maxPoll is how many messages are taken at a time.
const maxPoll = 1000

// Run reads until ctx ends. Errors are retried; none ends it.
func (r *Reader) Run(ctx context.Context) {
	// It leaves the group, so that others take over at once.
	defer r.client.CloseAllowingRebalance()
	pause := newPause()
	for ctx.Err() == nil {
		fetched, err := r.poll(ctx)
		fetched.EachPartition(func(p kgo.FetchTopicPartition) {
			if len(p.Records) > 0 && r.write(ctx, p) {
				r.commit(p)
			}
		})
		r.client.AllowRebalance()
		switch {
		case err != nil && ctx.Err() == nil:
			r.failed(fmt.Errorf("read from Kafka: %w", r.o.explain(r.o.Topic, err)), pause)
			wait(ctx, pause)
		case r.Ready():
			pause.Reset()
			r.recovered()
		}
	}
}

// poll waits for messages, but not for ever: that there are none is good to know after an error.
func (r *Reader) poll(ctx context.Context) (kgo.Fetches, error) {
	polling, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	fetched := r.client.PollRecords(polling, maxPoll)
	if err := fetched.Err(); !errors.Is(err, context.DeadlineExceeded) || polling.Err() == nil {
		return fetched, err
	}
	return fetched, nil
}

// write brings a partition's messages to its sink and reports whether they are there. They are not when ctx ends, nor when
// the partition has become another member's.
func (r *Reader) write(ctx context.Context, p kgo.FetchTopicPartition) bool {
	sink := r.sinks[p.Partition]
	if sink == nil {
		sink = r.o.Sink(p.Topic, p.Partition)
		r.sinks[p.Partition] = sink
	}
	now := time.Now()
	batch := make([]bridge.Record, len(p.Records))
	for i, m := range p.Records {
		batch[i] = receive(m, now)
	}
	for pause := newPause(); r.has(p.Partition) && ctx.Err() == nil; {
		err := sink.Write(ctx, batch)
		if err == nil {
			r.read.Add(int64(len(batch)))
			r.setLag(p.Partition, p.HighWatermark-p.Records[len(p.Records)-1].Offset-1)
			r.recovered()
			return true
		}
		if ctx.Err() != nil {
			break
		}
		// The group must not wait for a store that is down.
		r.client.AllowRebalance()
		r.failed(fmt.Errorf("write to the %s: %w", sink.Name(), err), pause)
		wait(ctx, pause)
	}
	return false
}

// commit has the group go on behind these messages. When it fails they are read once more, at worst.
func (r *Reader) commit(p kgo.FetchTopicPartition) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := r.client.CommitRecords(ctx, p.Records[len(p.Records)-1]); err != nil {
		r.o.Log.Warn("what has been read is not noted in Kafka, and may be read again", "partition", p.Partition, "error", err)
	}
}

func (r *Reader) failed(err error, pause *pause) {
	pause.next = pause.NextBackOff()
	r.retries.Add(1)
	text := err.Error()
	r.failing.Store(&text)
	r.o.Log.Warn("reports stay in Kafka for now", "next_try_in", pause.next, "error", err)
}

func (r *Reader) recovered() {
	if r.failing.Swap(nil) != nil {
		r.o.Log.Info("reports are read and written again")
	}
}

// A pause is the wait before what failed is tried again.
type pause struct {
	*backoff.ExponentialBackOff
	next time.Duration
}

func newPause() *pause {
	b := backoff.NewExponentialBackOff()
	// The library waits between its own attempts, and tells of each some time later: this adds to that.
	b.InitialInterval, b.MaxInterval = 500*time.Millisecond, 5*time.Second
	return &pause{ExponentialBackOff: b}
}

func wait(ctx context.Context, pause *pause) {
	select {
	case <-ctx.Done():
	case <-time.After(pause.next):
	}
}
