package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"muster/manager/store"
)

// Reports that are old, of which each Expire takes some, and those that are kept.
const (
	oldReports  = 1_600_000_000
	keptReports = 1_700_000_000
)

// reportForever adds a kept report and an old one at a time, has a device seen with it, removes what is old, and says what was
// acknowledged. It goes on after the number that it is given.
func reportForever(args []string) error {
	ctx := context.Background()
	s, err := Open(ctx, Options{Path: args[0], Log: discard})
	if err != nil {
		return err
	}
	errs := make(chan error)
	go func() {
		for {
			if _, err := s.Reports().Expire(ctx, time.Unix(keptReports, 0), 3); err != nil {
				errs <- err
				return
			}
		}
	}()
	go func() {
		first, err := strconv.ParseInt(args[1], 10, 64)
		for n := first; err == nil; n++ {
			doc := fmt.Appendf(nil, `{"updated":true,"report_creation_time":%d}`, n)
			err = s.Reports().Add(ctx, []store.Report{{ID: fmt.Sprintf("%08x%016x", oldReports, n), Doc: doc}, {ID: keptReport(n), Doc: doc}})
			if err != nil {
				break
			}
			seen := store.Sighting{Head: store.DeviceHead{Device: "d", Reported: time.UnixMilli(n)}, Report: doc, Boot: "b", Seq: n, ReportKey: keptReport(n)}
			err = s.Devices().Observe(ctx, []store.Sighting{seen}, func(_ store.Device, now store.Sighting) []store.Event {
				return []store.Event{{Kind: store.EventApplied, Text: fmt.Sprint(now.Seq)}}
			})
			if err == nil {
				fmt.Println(n)
			}
		}
		errs <- err
	}()
	return <-errs
}

// keptReport is the id of a report: ten of each second.
func keptReport(n int64) string { return fmt.Sprintf("%08x%016x", keptReports+n/10, n) }

// TestKillReporting kills a process that adds reports and removes old ones, again and again: what it had acknowledged is there, is
// found by what it is selected by, and the device is as its last report says.
func TestKillReporting(t *testing.T) {
	p := path(t)
	last := int64(0)
	for round := range 8 {
		cmd := child(t, "report", p, fmt.Sprint(last+1))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		before := last
		for lines := bufio.NewScanner(out); lines.Scan(); {
			n, err := strconv.ParseInt(lines.Text(), 10, 64)
			if err != nil || n != last+1 {
				break // the last line may be cut off
			}
			if last = n; n == before+1 {
				time.AfterFunc(rand.N(100*time.Millisecond), func() { _ = cmd.Process.Kill() })
			}
		}
		_ = cmd.Wait() // it was killed
		if last == before {
			t.Fatalf("round %d: nothing was acknowledged", round)
		}
		s, err := Open(t.Context(), Options{Path: p, Log: discard})
		if err != nil {
			t.Fatal(err)
		}
		for what, q := range map[string]store.ReportQuery{
			"all": {}, "updated": {Updated: new(true)}, "by time": {Compare: store.Greater},
		} {
			q.After = store.FirstReportID(time.Unix(keptReports, 0))
			page, err := s.Reports().Page(t.Context(), q, 1<<20)
			// One more may have been added and not be acknowledged any more.
			if err != nil || int64(len(page)) < last || int64(len(page)) > last+1 {
				t.Fatalf("round %d: %s are %d reports, %v; %d were acknowledged", round, what, len(page), err, last)
			}
			for i, r := range page {
				if r.ID != keptReport(int64(i)+1) {
					t.Fatalf("round %d: %s: report %d is %s", round, what, i, r.ID)
				}
			}
		}
		d, err := s.Devices().Get(t.Context(), "d")
		if err != nil || d.Seq < last || d.Seq > last+1 || d.ReportKey != keptReport(d.Seq) || d.Events[0].Text != fmt.Sprint(d.Seq) {
			t.Errorf("round %d: the device is %+v, %v; %d was acknowledged", round, d, err, last)
		}
		checkIntegrity(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
