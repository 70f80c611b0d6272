package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// A delivery is a report as it came out at one end.
type delivery struct {
	Device, Boot string
	Seq          int64
	// Dropped counts what the device itself had no room for.
	Dropped int64
}

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
			if d := (delivery{Device: device.name, Boot: a.boot, Seq: a.seq}); !seen[d] {
				c.missing++
				c.example = fmt.Sprintf("%+v is missing", d)
			}
		}
	}
	return c
}

// verify waits until all that was acknowledged has arrived, and shows the table.
func (l *loss) verify() {
	l.t.Helper()
	acked, sent, refused, broken := 0, 0, 0, 0
	for _, d := range l.fleet {
		if d.failed != nil {
			l.t.Errorf("%s: %v", d.name, d.failed)
		}
		if len(d.acked) == 0 {
			l.t.Errorf("%s had no report acknowledged", d.name)
		}
		acked, sent, refused, broken = acked+len(d.acked), sent+d.sent, refused+d.refused, broken+d.broken
	}
	ends := map[string]func() []delivery{"Kafka": l.inKafka, "store": l.inStore}
	l.t.Logf("%d devices, %v, %d kills: %d reports published, %d acknowledged, %d refused for want of room, %d connections broken",
		len(l.fleet), lossTime(l.t), l.kills, sent, acked, refused, broken)
	l.t.Log("| end | reports | of those acknowledged missing | there again | out of order |")
	for name, arrived := range ends {
		c := l.await(arrived)
		l.t.Logf("| %s | %d | %d | %d | %d |", name, c.there, c.missing, c.repeated, c.outOfOrder)
		if c.missing > 0 || c.outOfOrder > 0 {
			l.t.Errorf("%s: %d missing, %d out of order: %s", name, c.missing, c.outOfOrder, c.example)
		}
		if name == "store" && c.repeated > broken {
			l.t.Errorf("the store has %d reports twice; %d may be, that were published twice", c.repeated, broken)
		}
	}
}

// await waits until all that was acknowledged has arrived, and counts.
func (l *loss) await(arrived func() []delivery) count {
	l.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		if c := l.tally(arrived()); c.missing == 0 || time.Now().After(deadline) {
			return c
		}
		time.Sleep(time.Second)
	}
}

// inStore reads all reports that a manager tells, oldest first.
func (l *loss) inStore() (all []delivery) {
	l.t.Helper()
	for last := ""; ; {
		path := "/reports?page_size=1000"
		if last != "" {
			path += "&last_id=" + last
		}
		page := l.in.must("GET", path, nil)
		reports, _ := page["data"].([]any)
		for _, r := range reports {
			encoded, err := json.Marshal(r)
			if err != nil {
				l.t.Fatal(err)
			}
			all = append(all, l.read(encoded))
		}
		if len(reports) == 0 {
			return all
		}
		last = page["last_id"].(map[string]any)["$oid"].(string)
	}
}

func (l *loss) read(payload []byte) (d delivery) {
	l.t.Helper()
	if err := json.Unmarshal(payload, &d); err != nil || d.Device == "" || d.Boot == "" {
		l.t.Errorf("what arrived is %q, no report: %v", payload, err)
	}
	return d
}
