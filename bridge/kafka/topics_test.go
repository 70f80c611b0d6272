package kafka_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/bridge"
)

// Dead letters that have no topic do not hold up reports, however many there are.
func TestDeadLettersWithoutATopic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		if err := b.DeleteTopic(dead); err != nil {
			t.Fatal(err)
		}
		s := b.sink()
		began := time.Now()
		const batches = 5
		for seq := int64(1); seq <= batches; seq++ {
			flawed := bridge.Read("muster/v1/devices/d0/report", "d0", []byte("hello"), noon)
			flawed.Offset = uint64(seq)
			write(t, s, append(fleet(20, seq, seq), flawed))
		}
		if took := time.Since(began); took > 40*time.Second {
			t.Errorf("that took %v", took)
		}
		delivered(t, b.consume(reports), 20, batches)
		if got := s.LeftOut()["discarded"]; got != batches {
			t.Errorf("%d are discarded, want %d", got, batches)
		}
	})
}

// A topic that is deleted and made again while reports are written gets those of then on, in order.
func TestTopicIsMadeAgain(t *testing.T) {
	t.Parallel()
	c := brokers(t)
	s := newSink(t, c)
	write(t, s, fleet(9, 1, 3))
	if err := c.DeleteTopic(reports); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), fleet(9, 4, 6)); err == nil || !strings.Contains(err.Error(), "no topic") {
		t.Errorf("error is %v", err)
	}
	if err := c.CreateTopic(reports, 4, nil); err != nil {
		t.Fatal(err)
	}
	insist(t, s, fleet(9, 1, 6))
	delivered(t, consume(t, c, reports), 9, 6)
}
