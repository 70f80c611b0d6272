package kafka

import (
	"context"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
)

// ReaderStats are a [Reader]'s counts since the start, and its state of now.
type ReaderStats struct {
	// Read counts messages that were brought to their sink, those that are no reports included; Retries counts what failed and
	// was tried again.
	Read, Retries int64
	// Failing is what failed last; empty when what came after it did not.
	Failing string
	// Partitions is how many of the topic's this member of the group has, and Lag how many messages of those it has not
	// read yet, as far as it knows.
	Partitions int
	Lag        int64
}

// Stats may be called at any time.
func (r *Reader) Stats() ReaderStats {
	s := ReaderStats{Read: r.read.Load(), Retries: r.retries.Load()}
	if failing := r.failing.Load(); failing != nil {
		s.Failing = *failing
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Partitions = len(r.lags)
	for lag := range maps.Values(r.lags) {
		s.Lag += lag
	}
	return s
}

// Ready reports whether this process is a member of its group. It does not block.
func (r *Reader) Ready() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ready
}

func (r *Reader) assigned(_ context.Context, _ *kgo.Client, all map[string][]int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ready = true
	for _, p := range all[r.o.Topic] {
		r.lags[p] = 0
	}
	r.o.Log.Info("partitions of Kafka's topic are this member's", "topic", r.o.Topic, "group", r.o.Group, "partitions", r.mine())
}

// revoked is told of partitions that become another member's, and when the reader ends.
func (r *Reader) revoked(_ context.Context, _ *kgo.Client, all map[string][]int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range all[r.o.Topic] {
		delete(r.lags, p)
	}
	if len(all[r.o.Topic]) > 0 {
		r.o.Log.Info("partitions of Kafka's topic are this member's no more", "topic", r.o.Topic, "group", r.o.Group, "partitions", r.mine())
	}
}

// lost is told that the group went on without this member.
func (r *Reader) lost(ctx context.Context, client *kgo.Client, all map[string][]int32) {
	r.revoked(ctx, client, all)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ready = false
}

func (r *Reader) mine() []int32 { return slices.Sorted(maps.Keys(r.lags)) }

func (r *Reader) has(partition int32) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, has := r.lags[partition]
	return has
}

func (r *Reader) setLag(partition int32, lag int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, has := r.lags[partition]; has {
		r.lags[partition] = lag
	}
}
