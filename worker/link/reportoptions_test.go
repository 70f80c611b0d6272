package link_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/broker/client"
	"muster/topics"
	"muster/worker/link"
)

func TestReportOnUpdateOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, t.TempDir(), func(o *link.Options) { o.UpdateOnly = true })
		b.client.connect()
		b.link.SetReport(state("a"))
		b.pass(24 * time.Hour)
		b.count(1, "without a change")
		b.link.SetReport(state("b"))
		b.pass(time.Minute)
		b.count(2, "on a change")
		b.client.disconnect()
		b.pass(time.Hour)
		b.client.connect()
		b.pass(time.Hour)
		b.count(2, "on a new connection")
		b.end()
	})
}

// A worker that is to fail hard ends when a report is lost for another reason than that nobody could be reached.
func TestFailHard(t *testing.T) {
	hard := func(o *link.Options) { o.FailHard = true }
	for name, test := range map[string]struct {
		spoil func(b *bench, dir string) error
		want  string
	}{
		"refused": {func(b *bench, _ string) error {
			b.client.set(func() { b.client.fail[topicOf(topics.DeviceReport, "d")] = client.ErrRefused })
			return nil
		}, client.ErrRefused.Error()},
		"no disk":    {func(_ *bench, dir string) error { return os.WriteFile(filepath.Join(dir, "outbox"), nil, 0o600) }, "outbox"},
		"not a name": {nil, "apps[0].app"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				b := start(t, dir, hard)
				b.client.connect()
				report := state("a")
				if test.spoil == nil {
					report.Apps[0].App = "no/name"
				} else if err := test.spoil(b, dir); err != nil {
					t.Fatal(err)
				}
				b.link.SetReport(report)
				select {
				case err := <-b.done:
					if err == nil || !strings.Contains(err.Error(), test.want) {
						t.Errorf("Run: %v, want %q", err, test.want)
					}
				case <-time.After(time.Hour):
					t.Error("the link goes on")
					b.end()
				}
				if s := b.statuses(); len(s) == 0 || s[len(s)-1].State != topics.Offline {
					t.Errorf("it ends without a goodbye: %+v", s)
				}
			})
		})
	}
	for name, err := range map[string]error{"busy": client.ErrBusy, "not connected": client.ErrNotConnected} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, t.TempDir(), hard)
				b.client.connect()
				b.client.set(func() { b.client.fail[topicOf(topics.DeviceReport, "d")] = err })
				for i := range 5 {
					b.link.SetReport(state(fmt.Sprint(i)))
					b.pass(time.Hour)
				}
				select {
				case err := <-b.done:
					t.Errorf("Run ends: %v", err)
				default:
					b.end()
				}
			})
		})
	}
}

// Without it, reports go on from memory while the disk takes none, and are written when it does again.
func TestReportsWithoutADisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		box := filepath.Join(dir, "outbox")
		if err := os.WriteFile(box, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		b := start(t, dir)
		b.client.connect()
		b.link.SetReport(state("a"))
		b.pass(time.Minute)
		b.count(1, "without a disk")
		if b.logged("not on the disk") != 1 {
			t.Errorf("the log is\n%s", b.log)
		}
		b.client.disconnect()
		for _, id := range []string{"b", "c"} {
			b.link.SetReport(state(id))
			b.pass(time.Minute)
		}
		if err := os.Remove(box); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		b.pass(2 * time.Minute)
		if files, err := os.ReadDir(box); err != nil || len(files) != 2 {
			t.Errorf("on the disk are %v, %v, want both", files, err)
		}
		b.client.connect()
		b.pass(time.Minute)
		if last := b.count(3, "in the end"); last.Dropped != 0 {
			t.Errorf("the last report is %+v", last)
		}
		b.end()
	})
}

// Facts of the machine that take too long are left out.
func TestReportWithoutFacts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, t.TempDir(), func(o *link.Options) {
			o.Machine = func(ctx context.Context) topics.Machine { <-ctx.Done(); return topics.Machine{} }
		})
		b.client.connect()
		b.link.SetReport(state("a"))
		b.pass(10 * time.Second)
		if r := b.count(1, "while the machine hangs"); r.Engine != "28.1" || r.Updated {
			t.Errorf("the report is %+v", r)
		}
		next := state("a") // in the same container
		next.Version = version(2)
		b.link.SetReport(next)
		b.pass(10 * time.Second)
		if r := b.count(2, "with another config"); !r.Updated {
			t.Errorf("the report says that nothing was changed: %+v", r)
		}
		b.end()
	})
}

// Stats are in the report; those that cannot be read are not, and an engine that hangs holds up nothing else for long.
func TestReportStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		documents := []json.RawMessage{json.RawMessage(`{"id":"a"}`)}
		stats := func(context.Context) (apps, cronJobs []json.RawMessage, err error) { return documents, nil, nil }
		b := start(t, t.TempDir(), func(o *link.Options) {
			o.Stats = func(ctx context.Context) (apps, cronJobs []json.RawMessage, err error) { return stats(ctx) }
		})
		b.client.connect()
		b.link.SetReport(state("a"))
		b.pass(time.Minute)
		if r := b.count(1, "with stats"); len(r.AppsContainers) != 1 || string(r.AppsContainers[0]) != `{"id":"a"}` || r.CronJobsContainers != nil {
			t.Errorf("the report has the stats %s and %s", r.AppsContainers, r.CronJobsContainers)
		}
		stats = func(ctx context.Context) (apps, cronJobs []json.RawMessage, err error) {
			<-ctx.Done()
			return nil, documents, ctx.Err()
		}
		began := time.Now()
		b.link.SetReport(state("b"))
		if took := time.Since(began); took > 0 {
			t.Errorf("the worker waits %v", took)
		}
		b.pass(time.Minute)
		if r := b.count(2, "with an engine that hangs"); len(r.AppsContainers) != 0 || len(r.CronJobsContainers) != 1 {
			t.Errorf("the report has the stats %s and %s", r.AppsContainers, r.CronJobsContainers)
		}
		if b.logged("stats of containers") != 1 {
			t.Errorf("the log is\n%s", b.log)
		}
		b.end()
	})
}
