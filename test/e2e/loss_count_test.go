package e2e

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"time"
)

// A delivery is a report as it came out at one end.
type delivery struct {
	Device, Boot string
	Seq          int64
	// Created is when, by the device's clock, in seconds.
	Created int64 `json:"report_creation_time"`
	// Dropped counts what the device itself had no room for.
	Dropped int64
}

// id is the report_id that a simulated device gives it.
func (d delivery) id() string { return fmt.Sprintf("%s-%d", d.Boot, d.Seq) }

// A count says what is at one end of that which was acknowledged.
type count struct {
	there, missing, repeated, outOfOrder int
	// lost is missing too, but was acknowledged by a broker that was killed right after, within oldest.
	lost    int
	oldest  time.Duration
	example string // of what is missing or out of order
}

// tally compares what arrived, in its order, with what was acknowledged. A repetition says nothing about the order.
func (l *loss) tally(arrived []delivery) (c count) {
	workers := map[string]bool{}
	for _, w := range l.workers {
		workers[w.name] = true
	}
	seen := map[delivery]bool{}
	last := map[string]delivery{}
	for _, d := range arrived {
		if seen[d] {
			c.repeated++
			continue
		}
		seen[d] = true
		c.there++
		before := last[d.Device]
		last[d.Device] = d
		if workers[d.Device] && l.brokerKilled == nil {
			// The names of boots say nothing about their order. Within one, no report is left out.
			if d.Boot == before.Boot && d.Seq != before.Seq+1 || d.Boot != before.Boot && d.Seq != 1 || d.Dropped != 0 {
				c.missing++
				c.example = fmt.Sprintf("%+v came after %+v", d, before)
			}
		} else if !workers[d.Device] && cmp.Or(strings.Compare(d.Boot, before.Boot), cmp.Compare(d.Seq, before.Seq)) < 0 {
			c.outOfOrder++
			c.example = fmt.Sprintf("%+v came after %+v", d, before)
		}
	}
	for worker := range workers {
		if last[worker].Seq == 0 {
			c.missing++
			c.example = "there is no report of " + worker
		}
	}
	for _, device := range l.fleet {
		for i, a := range device.acked {
			if seen[a] {
				continue
			}
			if age := l.beforeKill(device.ackedAt[i]); age < unsaved {
				c.lost++
				c.oldest = max(c.oldest, age)
			} else {
				c.missing++
				c.example = fmt.Sprintf("%+v is missing", a)
			}
		}
	}
	return c
}

// unsaved is how long a broker that is killed may have kept what it acknowledged in memory only: it looks every second whether more than
// the autosave_interval of deploy/mosquitto has passed, and then has to save all it has, on a machine that may be busy.
const unsaved = 4 * time.Second

// underway is how long after the broker was killed a device may still read an acknowledgement from before.
const underway = 500 * time.Millisecond

// beforeKill is how long before the broker was killed something was acknowledged; for ever when it was not killed after that.
func (l *loss) beforeKill(acknowledged time.Time) time.Duration {
	for _, at := range l.brokerKilled {
		if !at.Add(underway).Before(acknowledged) {
			return at.Sub(acknowledged)
		}
	}
	return math.MaxInt64
}
