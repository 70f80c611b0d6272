package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"muster/bridge"
	"muster/bridge/kafka"
)

// A kept is a store as the readers of a group see it: what is written twice is there once.
type kept struct {
	mu      sync.Mutex
	changed *sync.Cond
	seqs    map[string][]int64 // by device, in the order of the first time
	ids     map[string]bool
	twice   int
	flawed  int
	err     error
	refused int
}

func newKept() *kept {
	k := &kept{seqs: map[string][]int64{}, ids: map[string]bool{}}
	k.changed = sync.NewCond(&k.mu)
	return k
}

// partition is the sink of one.
type partition struct {
	*kept
	id string
}

func (k *kept) sink(topic string, p int32) bridge.Sink {
	return partition{k, fmt.Sprintf("%s/%d", topic, p)}
}

func (partition) Name() string { return "store" }

func (p partition) Write(_ context.Context, batch []bridge.Record) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.changed.Broadcast()
	if p.err != nil {
		p.refused++
		return p.err
	}
	for _, r := range batch {
		id := fmt.Sprintf("%s/%d/%d", p.id, r.Offset, r.Received.UnixMilli())
		switch {
		case p.ids[id]:
			p.twice++
		case r.Flaw != "":
			p.flawed++
		default:
			p.seqs[r.Device] = append(p.seqs[r.Device], r.Seq)
		}
		p.ids[id] = true
	}
	return nil
}

func (k *kept) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.err = err
}

// await waits until it is so.
func (k *kept) await(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	defer context.AfterFunc(ctx, k.changed.Broadcast)()
	k.mu.Lock()
	defer k.mu.Unlock()
	for !is() {
		if ctx.Err() != nil {
			t.Fatalf("never: %s; there are %v", what, k.seqs)
		}
		k.changed.Wait()
	}
}

func (k *kept) has(devices int, to int64) func() bool {
	return func() bool {
		for d := range devices {
			if int64(len(k.seqs[fmt.Sprintf("d%d", d)])) < to {
				return false
			}
		}
		return true
	}
}

// inOrder checks that each device's reports are there once and in order.
func (k *kept) inOrder(t *testing.T, devices int, to int64) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	var want []int64
	for seq := range to {
		want = append(want, seq+1)
	}
	for d := range devices {
		if name := fmt.Sprintf("d%d", d); !slices.Equal(k.seqs[name], want) {
			t.Errorf("%s: %v", name, k.seqs[name])
		}
	}
}

// startReader runs a reader and gives what ends it.
func startReader(t *testing.T, c *kfake.Cluster, k *kept, changes ...func(*kafka.ReaderOptions)) (reader *kafka.Reader, stop func()) {
	t.Helper()
	o := kafka.ReaderOptions{Cluster: cluster(c), Topic: reports, Group: kafka.DefaultGroup, Sink: k.sink}
	for _, change := range changes {
		change(&o)
	}
	reader, err := kafka.NewReader(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { reader.Run(ctx) })
	stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	t.Cleanup(stop)
	return reader, stop
}

// A reader goes on where the one before it ended, and what is no report holds up nothing.
func TestReaderGoesOn(t *testing.T) {
	c, k := brokers(t), newKept()
	s := newSink(t, c)
	const devices = 7
	write(t, s, fleet(devices, 1, 5))
	poison := record(9, "d0", 99)
	poison.Payload = []byte("no report")
	write(t, s, []bridge.Record{poison})
	_, stop := startReader(t, c, k)
	k.await(t, "the first are there", k.has(devices, 5))
	k.await(t, "what is no report is counted", func() bool { return k.flawed == 1 })
	stop()
	write(t, s, fleet(devices, 6, 10))
	reader, _ := startReader(t, c, k)
	k.await(t, "all are there", k.has(devices, 10))
	k.inOrder(t, devices, 10)
	if k.twice != 0 {
		t.Errorf("%d were read twice", k.twice)
	}
	if s := reader.Stats(); s.Read != devices*5 || s.Lag != 0 || s.Partitions != 4 || s.Failing != "" || !reader.Ready() {
		t.Errorf("stats are %+v, ready is %t", s, reader.Ready())
	}
}

// Nothing is committed that the store does not have.
func TestStoreIsDown(t *testing.T) {
	c, k := brokers(t), newKept()
	s := newSink(t, c)
	write(t, s, fleet(5, 1, 5))
	k.fail(errors.New("no space left on device"))
	reader, stop := startReader(t, c, k)
	k.await(t, "it is tried again", func() bool { return k.refused > 1 })
	if got := reader.Stats(); got.Retries == 0 || got.Failing != "write to the store: no space left on device" {
		t.Errorf("stats are %+v", got)
	}
	stop()
	if info := c.GroupInfo(kafka.DefaultGroup); info != nil && len(info.Commits) > 0 {
		t.Errorf("%+v is committed", info.Commits)
	}
	k.fail(nil)
	startReader(t, c, k)
	k.await(t, "all are there", k.has(5, 5))
	k.inOrder(t, 5, 5)
}

// Members come and go while reports are written, leaders move, and the brokers fail now and then.
func TestRebalances(t *testing.T) {
	c, k := brokers(t), newKept()
	s := newSink(t, c)
	c.Fault(
		kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.UnknownServerError, Count: 3},
		kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: reports, Err: kerr.KafkaStorageError, Count: 3},
		kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.RebalanceInProgress, Count: 2},
	)
	const devices, rounds = 9, 8
	var stops []func()
	for i := range int64(rounds) {
		_, stop := startReader(t, c, k)
		stops = append(stops, stop)
		insist(t, s, fleet(devices, i*10+1, i*10+10))
		if i%3 == 2 {
			k.await(t, "the members of now read", k.has(devices, i*10-5))
			c.ShufflePartitionLeaders()
			stops[0]()
			stops = stops[1:]
		}
	}
	k.await(t, "all are there", k.has(devices, rounds*10))
	k.inOrder(t, devices, rounds*10)
	t.Logf("%d were read twice", k.twice)
}

func TestFromEnd(t *testing.T) {
	c, k := brokers(t), newKept()
	s := newSink(t, c)
	write(t, s, fleet(5, 1, 1))
	reader, _ := startReader(t, c, k, func(o *kafka.ReaderOptions) { o.FromEnd = true })
	for deadline := time.Now().Add(30 * time.Second); len(k.keys()) == 0; {
		if time.Now().After(deadline) {
			t.Fatalf("nothing is read; stats are %+v", reader.Stats())
		}
		// It is not known when the end was looked up: what was written before that is not read.
		write(t, s, []bridge.Record{record(uint64(time.Now().UnixNano()), "d9", time.Now().UnixNano())})
	}
	if devices := k.keys(); !slices.Equal(devices, []string{"d9"}) {
		t.Errorf("reports of %v, want none of before", devices)
	}
}

func (k *kept) keys() (devices []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for device := range k.seqs {
		devices = append(devices, device)
	}
	return devices
}
