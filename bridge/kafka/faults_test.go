package kafka_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What one partition has got is not written again because another failed.
func TestWhatIsWrittenIsNotWrittenAgain(t *testing.T) {
	c := brokers(t)
	s := newSink(t, c)
	write(t, s, fleet(1, 1, 1))
	h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: reports, Partitions: []int32{1}, Err: kerr.UnknownServerError, Count: -1})
	batch := fleet(20, 1, 5)[1:]
	if err := s.Write(t.Context(), batch); !errors.Is(err, kerr.UnknownServerError) {
		t.Fatalf("error is %v", err)
	}
	before := len(consume(t, c, reports))
	if before < 2 || before == 1+len(batch) {
		t.Fatalf("%d of %d reports are there: this test tests nothing", before, 1+len(batch))
	}
	h.Remove()
	for part := range slices.Chunk(batch, 15) { // a bridge gives less at a time after an error
		write(t, s, part)
	}
	if repeated := delivered(t, consume(t, c, reports), 20, 5); repeated != 0 {
		t.Errorf("%d reports were written twice", repeated)
	}
}

func TestLeadersMoveAllTheTime(t *testing.T) {
	c := brokers(t)
	s := newSink(t, c)
	stop := make(chan struct{})
	var moving sync.WaitGroup
	moving.Go(func() {
		for tick := time.NewTicker(5 * time.Millisecond); ; {
			select {
			case <-tick.C:
				c.ShufflePartitionLeaders()
			case <-stop:
				tick.Stop()
				return
			}
		}
	})
	const devices, batches, perBatch = 20, 40, 5
	for i := range int64(batches) {
		insist(t, s, fleet(devices, i*perBatch+1, (i+1)*perBatch))
	}
	close(stop)
	moving.Wait()
	if repeated := delivered(t, consume(t, c, reports), devices, batches*perBatch); repeated != 0 {
		t.Errorf("%d reports were written twice", repeated)
	}
}

// A broker that is killed and started again has what it confirmed.
func TestBrokersAreStartedAgain(t *testing.T) {
	dir := t.TempDir()
	start := func(ports ...int) *kfake.Cluster {
		c, err := kfake.NewCluster(kfake.Ports(ports...), kfake.DataDir(dir), kfake.SeedTopics(4, reports), kfake.SeedTopics(1, dead))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	ports := freePorts(t, 2)
	c := start(ports...)
	s := newSink(t, c)
	const devices, rounds = 10, 6
	for i := range int64(rounds) {
		written := make(chan struct{})
		go func() {
			defer close(written)
			insist(t, s, fleet(devices, i*10+1, i*10+5))
			insist(t, s, fleet(devices, i*10+6, i*10+10))
		}()
		c.Close()
		c = start(ports...)
		<-written
	}
	defer c.Close()
	t.Logf("%d reports twice", delivered(t, consume(t, c, reports), devices, rounds*10))
}

func TestErrorsSayWhatToDo(t *testing.T) {
	c := brokers(t)
	for _, tc := range []struct {
		err  *kerr.Error
		want string
	}{
		{kerr.TopicAuthorizationFailed, `do not allow topic "nebula-reports"`},
		{kerr.InvalidTimestamp, "clock"},
	} {
		h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: reports, Err: tc.err, Count: -1})
		err := newSink(t, c).Write(t.Context(), fleet(1, 1, 1))
		if !errors.Is(err, tc.err) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v: error is %v, want %q in it", tc.err, err, tc.want)
		}
		h.Remove()
	}
}

// Several batches of a partition are under way at a time. None is written before an earlier one that is refused or has to be
// written again.
func TestNothingIsWrittenBeforeWhatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		s := b.sink()
		const devices, last = 2, 250
		write(t, s, fleet(devices, 1, 1)) // the partitions are known
		// Of what the library takes for a batch some fails; what is small does not, so that nothing becomes a dead letter.
		dice := func(r kmsg.Request) bool {
			for _, topic := range r.(*kmsg.ProduceRequest).Topics {
				for _, p := range topic.Partitions {
					if len(p.Records) > 500_000 {
						return rand.IntN(3) == 0
					}
				}
			}
			return false
		}
		var faults []kfake.Fault
		for _, err := range []*kerr.Error{kerr.InvalidRecord, kerr.MessageTooLarge, kerr.NotLeaderForPartition, kerr.UnknownServerError, kerr.OutOfOrderSequenceNumber} {
			faults = append(faults, kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: reports, Err: err, Count: 3, When: dice})
		}
		h := b.Fault(faults...)
		batch := fleet(devices, 2, last)
		for i, r := range batch {
			batch[i] = large(r.Offset, r.Device, r.Seq, 20_000)
		}
		failed := insist(t, s, batch)
		if h.Hits() == 0 {
			t.Error("no batch failed: this test tests nothing")
		}
		t.Logf("%d batches failed, %d errors told, %d reports twice", h.Hits(), failed, delivered(t, b.consume(reports), devices, last))
	})
}
