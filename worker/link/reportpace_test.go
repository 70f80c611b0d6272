package link_test

import (
	"fmt"
	"testing"
	"time"
)

// The fleet does not send at once what waited: each device begins at a time of its own.
func TestDevicesBeginToSendAtRandomTimes(t *testing.T) {
	began := map[time.Duration]bool{}
	for range 10 {
		inBubble(t, func(t *testing.T, b *bench) {
			for _, id := range []string{"a", "b"} {
				b.link.SetReport(state(id))
				b.pass(time.Minute)
			}
			b.client.connect()
			connected := time.Now()
			b.pass(time.Minute)
			_, at := b.reports()
			if len(at) < 2 {
				t.Fatalf("%d reports, want those that waited", len(at))
			}
			began[at[0].Sub(connected)] = true
		})
	}
	if len(began) < 8 {
		t.Errorf("ten devices begin to send what waited at %v after the connection", began)
	}
}

// Nor does it report at once where nothing waited.
func TestDevicesReportAtRandomTimesAfterAnOutage(t *testing.T) {
	after := map[time.Duration]bool{}
	for range 10 {
		inBubble(t, func(t *testing.T, b *bench) {
			b.client.connect()
			b.link.SetReport(state("a"))
			b.pass(time.Minute)
			b.client.disconnect()
			b.pass(time.Hour)
			b.client.connect()
			connected := time.Now()
			b.pass(time.Minute)
			b.count(2, "after the outage")
			_, at := b.reports()
			after[at[1].Sub(connected)] = true
		})
	}
	if len(after) < 8 {
		t.Errorf("ten devices report at %v after the connection", after)
	}
}

// What changes all the time while there is no connection is thinned out.
func TestOutboxFillsSlowly(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		for i := range 3600 {
			b.link.SetReport(state(fmt.Sprint(i)))
			b.pass(time.Second)
		}
		b.client.connect()
		b.pass(10 * time.Minute)
		list, _ := b.reports()
		if len(list) < 60 || len(list) > 130 || list[len(list)-1].Apps[0].Containers[0].ID != "3599" {
			t.Errorf("%d reports of an hour of changes, the last %+v", len(list), list[len(list)-1])
		}
	})
}
