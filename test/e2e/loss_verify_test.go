package e2e

import (
	"encoding/json"
	"time"
)

// An end is where reports come out.
type end struct {
	name string
	// arrived reads all that is there, each device's in order.
	arrived func() []delivery
	// once says that nothing is there again that was published once.
	once bool
}

// verify waits until all that was acknowledged has arrived at each end, and shows the table.
func (l *loss) verify(ends ...end) {
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
	l.t.Logf("%d devices, %v, %d kills: %d reports published, %d acknowledged, %d refused for want of room, %d connections broken",
		len(l.fleet), lossTime(l.t), l.kills, sent, acked, refused, broken)
	l.t.Log("| end | reports | of those acknowledged missing | there again | out of order |")
	for _, e := range ends {
		c := l.await(e.arrived)
		l.t.Logf("| %s | %d | %d | %d | %d |", e.name, c.there, c.missing, c.repeated, c.outOfOrder)
		if l.brokerKilled != nil {
			l.t.Logf("besides, %d are missing that were acknowledged at most %v before one of the %d times that the broker was killed",
				c.lost, c.oldest.Round(time.Millisecond), len(l.brokerKilled))
		}
		if c.missing > 0 || c.outOfOrder > 0 {
			l.t.Errorf("%s: %d missing, %d out of order: %s", e.name, c.missing, c.outOfOrder, c.example)
		}
		if e.once && c.repeated > broken {
			l.t.Errorf("%s has %d reports twice; %d may be, that were published twice", e.name, c.repeated, broken)
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

// stored is the end that a manager tells of, oldest first.
func (l *loss) stored(in *installation) func() []delivery {
	return func() (all []delivery) {
		for last := ""; ; {
			path := "/reports?page_size=1000"
			if last != "" {
				path += "&last_id=" + last
			}
			page := in.must("GET", path, nil)
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
}

// verifyRows holds that what is kept of each device for ever is its last report.
func (l *loss) verifyRows(in *installation) {
	l.t.Helper()
	for _, d := range l.fleet {
		row := in.must("GET", "/devices/"+d.name, nil)
		if last, _ := row["last_report"].(map[string]any); last["report_id"] != d.last.id() {
			l.t.Errorf("the last report of %s is %v, want %s", d.name, last, d.last.id())
		}
	}
}

func (l *loss) read(payload []byte) (d delivery) {
	l.t.Helper()
	if err := json.Unmarshal(payload, &d); err != nil || d.Device == "" || d.Boot == "" {
		l.t.Errorf("what arrived is %q, no report: %v", payload, err)
	}
	return d
}
