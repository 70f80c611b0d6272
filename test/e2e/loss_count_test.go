package e2e

import (
	"cmp"
	"fmt"
	"strings"
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
	example                              string // of what is missing or out of order
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
		if workers[d.Device] {
			// The names of boots say nothing about their order. Within one, no report is left out.
			if d.Boot == before.Boot && d.Seq != before.Seq+1 || d.Boot != before.Boot && d.Seq != 1 || d.Dropped != 0 {
				c.missing++
				c.example = fmt.Sprintf("%+v came after %+v", d, before)
			}
		} else if cmp.Or(strings.Compare(d.Boot, before.Boot), cmp.Compare(d.Seq, before.Seq)) < 0 {
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
		for _, a := range device.acked {
			if !seen[a] {
				c.missing++
				c.example = fmt.Sprintf("%+v is missing", a)
			}
		}
	}
	return c
}
