package link_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"muster/broker/client"
	"muster/topics"
	"muster/worker/link"
)

// state is a report with one app, whose container has that id.
func state(id string) topics.Report {
	return topics.Report{
		Version: version(1), Wanted: version(1), Phase: topics.PhaseSettled,
		Apps:    []topics.AppState{{App: "web", AppID: 1, RunningID: 1, Phase: topics.PhaseSettled, Containers: []topics.ContainerState{{Name: "web-1", ID: id}}}},
		Machine: topics.Machine{Hostname: "host", Engine: "28.1"},
	}
}

// reports lists those that were published, also those that were not acknowledged.
func (b *bench) reports() (list []topics.Report, at []time.Time) {
	b.t.Helper()
	for _, p := range b.client.sent(topicOf(topics.DeviceReport, "d")) {
		r, err := topics.ParseReport(p.Payload)
		if err != nil {
			b.t.Fatalf("report %s: %v", p.Payload, err)
		}
		if p.Retain || p.QoS != 1 {
			b.t.Errorf("a report is retained %v at QoS %d", p.Retain, p.QoS)
		}
		list, at = append(list, r), append(at, p.at)
	}
	return list, at
}

// count checks how many reports there are, and returns the last.
func (b *bench) count(want int, when string) topics.Report {
	b.t.Helper()
	list, _ := b.reports()
	if len(list) != want {
		b.t.Fatalf("%s: %d reports, want %d:\n%+v", when, len(list), want, list)
	}
	if want == 0 {
		return topics.Report{}
	}
	return list[want-1]
}

func TestReportIsPublishedAtEachChangeAndEveryInterval(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.client.connect()
		b.count(0, "before there is anything to say")
		b.link.SetReport(state("a"))
		synctest.Wait()
		first := b.count(1, "at first")
		if first.Device != "d" || first.DeviceGroup != "g" || first.Agent != "muster-worker/test" || first.Seq != 1 ||
			first.ReportID == "" || first.Updated || first.Hostname != "host" || first.Engine != "28.1" || first.Dropped != 0 {
			t.Errorf("the first report is %+v", first)
		}
		b.pass(time.Minute)
		b.link.SetReport(state("b"))
		synctest.Wait()
		second := b.count(2, "on a change")
		if second.Seq != first.Seq+1 || second.Boot != first.Boot || second.ReportID == first.ReportID || !second.Updated {
			t.Errorf("the second report is %+v, after %+v", second, first)
		}
		for range 10 {
			b.link.SetReport(state("c"))
			b.link.SetReport(state("d"))
			synctest.Wait()
		}
		b.pass(10 * time.Second)
		if last := b.count(3, "on twenty changes at once"); last.Apps[0].Containers[0].ID != "d" {
			t.Errorf("the last report is not the newest: %+v", last)
		}
		b.pass(link.DefaultReportInterval * 12)
		list, at := b.reports()
		if n := len(list) - 3; n < 10 || n > 14 {
			t.Errorf("%d reports in 12 intervals", n)
		}
		if list[len(list)-1].Updated {
			t.Error("a report without a change says that there was one")
		}
		if at[5].Sub(at[4]) == at[6].Sub(at[5]) {
			t.Error("the interval is not random")
		}
	})
}

// Each change is told after a time without a connection, in order and spread over a while; a report that only the interval asks
// for is made once, after them.
func TestReportsWithoutAConnection(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.link.SetReport(state("a"))
		b.pass(time.Hour)
		b.count(0, "before a connection")
		b.client.connect()
		synctest.Wait()
		b.count(1, "that waited alone, on connection")
		b.pass(time.Minute)
		b.count(2, "and one as of now")
		b.client.disconnect()
		for _, id := range []string{"b", "c"} {
			b.link.SetReport(state(id))
			b.pass(2 * time.Hour)
		}
		b.client.connect()
		connected := time.Now()
		b.pass(2 * time.Minute)
		b.count(5, "on the next connection")
		list, at := b.reports()
		for i, want := range []struct {
			id      string
			updated bool
			age     time.Duration
		}{{"b", true, 4 * time.Hour}, {"c", true, 2 * time.Hour}, {"c", false, 0}} {
			r := list[2+i]
			age := connected.Sub(r.At)
			if r.Apps[0].Containers[0].ID != want.id || r.Updated != want.updated || r.Seq != int64(3+i) ||
				age < want.age-2*time.Minute || age > want.age+2*time.Minute {
				t.Errorf("report %d is %+v, %v old, want %+v", i, r, age, want)
			}
		}
		if at[3].Sub(at[2]) < time.Second/2 {
			t.Errorf("two that waited are sent within %v", at[3].Sub(at[2]))
		}
		b.client.disconnect()
		b.pass(time.Hour)
		b.client.connect()
		synctest.Wait()
		b.count(5, "when nothing changed")
		b.pass(30 * time.Second)
		b.count(6, "soon after")
	})
}

// A report that may have arrived is sent again as it was, before those that came later.
func TestUnacknowledgedReportIsSentAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		topic := topicOf(topics.DeviceReport, "d")
		b.client.set(func() { b.client.fail[topic] = context.DeadlineExceeded })
		b.link.SetReport(state("a"))
		b.client.connect()
		b.pass(30 * time.Second)
		b.link.SetReport(state("b"))
		b.pass(30 * time.Second)
		tried := len(b.client.sent(topic))
		if tried < 2 || b.logged("report not published") == 0 {
			t.Errorf("tried %d times, and logged that %d times", tried, b.logged("report not published"))
		}
		b.client.set(func() { delete(b.client.fail, topic) })
		b.pass(2 * time.Minute)
		sent := b.client.sent(topic)
		for i, p := range sent[:tried+1] {
			if !bytes.Equal(p.Payload, sent[0].Payload) {
				t.Errorf("attempt %d differs from the first:\n%s\n%s", i, p.Payload, sent[0].Payload)
			}
		}
		if last := b.count(tried+2, "in the end"); last.Seq != 2 || last.Apps[0].Containers[0].ID != "b" {
			t.Errorf("the last report is %+v", last)
		}
	})
}

// A broker that is full gets the same again, less and less often; one that refuses a report for good, never: it holds up no others.
func TestRefusedReport(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		topic := topicOf(topics.DeviceReport, "d")
		b.client.set(func() { b.client.fail[topic] = client.ErrBusy })
		b.link.SetReport(state("a"))
		b.client.connect()
		b.pass(time.Hour)
		list, _ := b.reports()
		if n := len(list); n < 30 || n > 130 || list[n-1].Seq != 1 {
			t.Fatalf("a full broker got %d reports in an hour, the last %+v", n, list[n-1])
		}
		if n := b.logged("report not published"); n != 1 {
			t.Errorf("%d lines in the log about a full broker", n)
		}
		before := len(list)
		b.client.set(func() { b.client.fail[topic] = client.ErrRefused })
		b.pass(3 * time.Minute)
		b.link.SetReport(state("b"))
		b.pass(4 * time.Minute)
		list, _ = b.reports()
		// The second is the one that its interval asked for while the first waited.
		if got := list[before:]; len(got) < 3 || got[0].Seq != 1 || got[1].Seq != 2 || got[1].Apps[0].Containers[0].ID != "a" || got[2].Apps[0].Containers[0].ID != "b" {
			t.Fatalf("a broker that refuses got %+v", got)
		}
		if b.logged("refused a report") != len(list)-before {
			t.Errorf("%d lines in the log about %d refused reports", b.logged("refused a report"), len(list)-before)
		}
		b.client.set(func() { delete(b.client.fail, topic) })
		before = len(list)
		b.link.SetReport(state("c"))
		b.pass(time.Minute)
		list, _ = b.reports()
		if got := list[before:]; len(got) != 1 || got[0].Apps[0].Containers[0].ID != "c" {
			t.Errorf("after refusals: %+v", got)
		}
		b.client.set(func() { b.client.fail[topic] = client.ErrBusy })
		before = len(list) + 1
		b.link.SetReport(state("d"))
		b.pass(10 * time.Second)
		if list, _ = b.reports(); len(list) < before+1 {
			t.Errorf("a broker that is full once more is not tried again within 10 s: the waits of the last time count")
		}
	})
}

// What an earlier worker had no room for is told.
func TestReportsTellHowManyWereDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		box := filepath.Join(dir, "outbox")
		if err := errors.Join(os.Mkdir(box, 0o700), os.WriteFile(filepath.Join(box, "dropped"), []byte("7"), 0o600)); err != nil {
			t.Fatal(err)
		}
		b := start(t, dir)
		b.client.connect()
		b.link.SetReport(state("a"))
		synctest.Wait()
		if r := b.count(1, "at first"); r.Dropped != 7 {
			t.Errorf("the report says that %d were dropped, want 7", r.Dropped)
		}
		b.end()
	})
}

// What waits survives the worker, which goes on with a boot of its own.
func TestReportsOfAnEarlierWorkerAreSentFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		b := start(t, dir)
		for _, id := range []string{"a", "b"} {
			b.link.SetReport(state(id))
			b.pass(time.Minute)
		}
		b.end()
		b = start(t, dir)
		b.link.SetReport(state("b"))
		b.client.connect()
		b.pass(time.Minute)
		b.count(3, "after a restart")
		list, _ := b.reports()
		if list[0].Seq != 1 || list[1].Seq != 2 || list[2].Seq != 1 || list[0].Boot != list[1].Boot || list[1].Boot == list[2].Boot {
			t.Errorf("sent are %+v", list)
		}
		b.end()
		if left, err := os.ReadDir(filepath.Join(dir, "outbox")); err != nil || len(left) != 0 {
			t.Errorf("left in the outbox: %v, %v", left, err)
		}
	})
}

// What people on the device can see of the connection.
func TestStateOfTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		if _, err := link.LoadState(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("without a file: %v", err)
		}
		b := start(t, dir)
		look := func() link.State {
			t.Helper()
			s, err := link.LoadState(dir)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		b.client.connect()
		b.pass(time.Second)
		up := look()
		if !up.Connected || !up.CheckedIn.IsZero() {
			t.Errorf("connected: %+v", up)
		}
		b.pass(time.Minute)
		asked := look()
		if asked.CheckedIn.Before(up.Since) || !asked.Since.Equal(up.Since) {
			t.Errorf("after a check-in: %+v", asked)
		}
		b.pass(2 * time.Minute)
		if again := look(); again != asked {
			t.Errorf("written again after %v: %+v", again.At.Sub(asked.At), again)
		}
		b.pass(10 * time.Minute)
		if later := look(); later.CheckedIn.Sub(asked.CheckedIn) < 5*time.Minute {
			t.Errorf("not written again: %+v", later)
		}
		b.client.disconnect()
		b.pass(2 * time.Minute)
		if down := look(); down.Connected || !down.Since.After(asked.Since) {
			t.Errorf("disconnected: %+v", down)
		}
		b.client.connect()
		b.pass(2 * time.Minute)
		b.end()
		if down := look(); down.Connected {
			t.Errorf("stopped: %+v", down)
		}
	})
}
