package link_test

import (
	"context"
	"errors"
	"os"
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
		b.link.SetReport(state("a"))
		b.pass(time.Hour)
		b.count(0, "before a connection")
		b.client.connect()
		synctest.Wait()
		first := b.count(1, "on connection")
		if first.Device != "d" || first.DeviceGroup != "g" || first.Agent != "muster-worker/test" || first.Seq < 1 ||
			first.ReportID == "" || first.Updated || first.Hostname != "host" || first.Engine != "28.1" {
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

// Only the newest report survives a time without a connection, and a report that is only due waits its turn after it.
func TestReportsWithoutAConnection(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.link.SetReport(state("a"))
		b.client.connect()
		synctest.Wait()
		b.count(1, "on connection")
		b.client.disconnect()
		for _, id := range []string{"b", "c"} {
			b.link.SetReport(state(id))
			b.pass(time.Minute)
		}
		b.client.connect()
		synctest.Wait()
		if last := b.count(2, "on the next connection"); last.Apps[0].Containers[0].ID != "c" || !last.Updated {
			t.Errorf("%+v is not the newest", last)
		}
		b.client.disconnect()
		b.pass(time.Hour)
		b.client.connect()
		synctest.Wait()
		b.count(2, "when nothing changed")
		b.pass(30 * time.Second)
		b.count(3, "soon after")
	})
}

// A report that may have arrived is sent again as it was; one that was replaced in the meantime is not.
func TestUnacknowledgedReportIsSentAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		topic := topicOf(topics.DeviceReport, "d")
		b.client.set(func() { b.client.fail[topic] = context.DeadlineExceeded })
		b.link.SetReport(state("a"))
		b.client.connect()
		b.pass(30 * time.Second)
		list, _ := b.reports()
		if len(list) < 2 || list[1].Seq != list[0].Seq || list[1].At != list[0].At {
			t.Fatalf("sent were %+v", list)
		}
		b.link.SetReport(state("b"))
		b.client.set(func() { delete(b.client.fail, topic) })
		b.pass(30 * time.Second)
		list, _ = b.reports()
		if last := list[len(list)-1]; last.Seq != list[0].Seq+1 || last.Apps[0].Containers[0].ID != "b" {
			t.Errorf("the last report is %+v", last)
		}
		if b.logged("report not published") == 0 {
			t.Error("nothing is logged")
		}
	})
}

// A broker that refuses reports is not asked again until there is another.
func TestRefusedReport(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.client.set(func() { b.client.fail[topicOf(topics.DeviceReport, "d")] = client.ErrRefused })
		b.link.SetReport(state("a"))
		b.client.connect()
		b.pass(4 * time.Minute)
		b.count(1, "refused")
		b.link.SetReport(state("b"))
		b.pass(time.Minute)
		b.count(2, "after a change")
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
