package link_test

import (
	"bytes"
	"context"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/broker/client"
	"muster/topics"
	"muster/worker/link"
)

func newLink(t *testing.T, dial func(func() *client.Message) (client.Client, error)) *link.Link {
	t.Helper()
	l, err := link.New(link.Options{Group: "g", Device: "d", StateDir: t.TempDir(), Dial: dial})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return l
}

func TestNewChecksItsOptions(t *testing.T) {
	dial := func(func() *client.Message) (client.Client, error) { return nil, nil }
	good := link.Options{Group: "g", Device: "d", StateDir: "x", Dial: dial}
	if _, err := link.New(good); err != nil {
		t.Errorf("New: %v", err)
	}
	for name, spoil := range map[string]func(*link.Options){
		"root": func(o *link.Options) { o.Root = "a/#" }, "group": func(o *link.Options) { o.Group = "a.b" },
		"device": func(o *link.Options) { o.Device = "" }, "state": func(o *link.Options) { o.StateDir = "" },
		"dial": func(o *link.Options) { o.Dial = nil },
	} {
		o := good
		spoil(&o)
		if _, err := link.New(o); err == nil {
			t.Errorf("New without a good %s succeeded", name)
		}
	}
}

func TestConfigsAreCheckedBeforeTheyAreOffered(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.client.connect()
		good := config(t, "g", 5, topics.NewApp("web", "nginx:1"))
		for name, test := range map[string]struct {
			payload []byte
			words   string
		}{
			"no JSON":       {[]byte("hello"), "is not JSON"},
			"too large":     {append(bytes.Clone(good), bytes.Repeat([]byte(" "), topics.MaxPayload)...), "at most 65536 are allowed"},
			"another group": {config(t, "other", 9), `of device_group \"other\"`},
			"bad digest":    {bytes.Replace(good, []byte("nginx:1"), []byte("nginx:2"), 1), "sha256: does not match"},
			"deleted group": {nil, "no config for the device_group"},
		} {
			for range 3 {
				b.client.deliver(topicOf(topics.GroupConfig, "g"), test.payload)
			}
			if o := b.offered(); o.From != "" {
				t.Errorf("%s: offered is %+v", name, o)
			}
			if n := b.logged(test.words); n != 1 {
				t.Errorf("%s: logged %d times, want once:\n%s", name, n, b.log)
			}
		}
		b.client.deliver(topicOf(topics.GroupConfig, "g"), []byte("hello"))
		before := b.logged("is not JSON")
		b.client.deliver(topicOf(topics.GroupConfig, "g"), good)
		if o := b.offered(); !bytes.Equal(o.Payload, good) || o.From != "retained" || o.Config.Version != version(5) {
			t.Errorf("offered is %+v, want the good config", o)
		}
		// What was well in between is logged again.
		b.client.deliver(topicOf(topics.GroupConfig, "g"), []byte("hello"))
		if n := b.logged("is not JSON"); n != before+1 {
			t.Errorf("the same garbage after a good config is logged %d times, want once", n-before)
		}
	})
}

func TestSlowWorkerGetsTheNewest(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.client.connect()
		for _, id := range []int64{2, 4, 3} {
			b.client.deliver(topicOf(topics.GroupConfig, "g"), config(t, "g", id))
		}
		if o := b.offered(); o.Config.Version != version(4) {
			t.Errorf("offered is %v, want %v", o.Config.Version, version(4))
		}
		if o := b.offered(); o.From != "" {
			t.Errorf("a second one is offered: %v", o.Config.Version)
		}
	})
}

func TestStatusOfASession(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.link.SetReport(topics.Report{Version: version(1), Phase: topics.PhaseUpdating})
		synctest.Wait() // else it may be told of twice
		b.client.connect()
		b.pass(time.Second)
		want := topics.Status{State: topics.Online, Session: time.Now().Add(-time.Second).UnixMilli(), DeviceGroup: "g",
			Version: version(1), Phase: topics.PhaseUpdating, Agent: "muster-worker/test", At: time.Now().Add(-time.Second).UTC()}
		if diff := cmp.Diff([]topics.Status{want}, b.statuses()); diff != "" {
			t.Errorf("statuses after the first connection (-want +got):\n%s", diff)
		}
		m := b.client.sent(topicOf(topics.DeviceStatus, "d"))[0]
		if m.QoS != 1 || !m.Retain || m.Expiry != 0 {
			t.Errorf("the message of the status is %+v, want it retained for ever, with QoS 1", m.Message)
		}
		will, err := topics.ParseStatus(b.client.lastWill.Payload)
		if err != nil || will.State != topics.Offline || will.Session != want.Session || b.client.lastWill.Topic != m.Topic || !b.client.lastWill.Retain {
			t.Errorf("the will is %+v, %v, want the retained offline status of the session", b.client.lastWill, err)
		}

		b.link.SetReport(topics.Report{Version: version(2), Failing: []topics.Failure{{App: "web", Reason: "no space"}}})
		b.pass(time.Second)
		if s := b.statuses(); len(s) != 2 || s[1].Version != version(2) || len(s[1].Failing) != 1 || s[1].Session != want.Session {
			t.Errorf("statuses after a change are %+v", s)
		}

		b.link.SetReport(topics.Report{Version: version(2), Phase: topics.PhaseSettled, Failing: []topics.Failure{{App: "web", Reason: "no space"}}})
		b.pass(time.Second)
		if s := b.statuses(); len(s) != 3 || s[2].Phase != topics.PhaseSettled {
			t.Errorf("statuses after another phase are %+v", s)
		}

		b.client.disconnect()
		b.client.connect()
		b.pass(time.Second)
		if s := b.statuses(); len(s) != 4 || s[3].Version != version(2) || s[3].Session <= want.Session {
			t.Errorf("statuses after a new connection are %+v, want one of a later session", s)
		}
		b.stop()
		synctest.Wait()
		if s := b.statuses(); len(s) != 5 || s[4].State != topics.Offline || s[4].Session != s[3].Session {
			t.Errorf("statuses after the end are %+v, want an offline one of the last session", s)
		}
		if !b.client.closed {
			t.Error("the client is not closed")
		}
	})
}

func TestOneSessionPerAttemptAlsoWhenTheClockGoesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		future := time.Now().Add(10 * 365 * 24 * time.Hour).UnixMilli()
		if err := os.WriteFile(sessionPath(dir), strconv.AppendInt(nil, future, 10), 0o600); err != nil {
			t.Fatal(err)
		}
		for attempt := range int64(4) {
			b := start(t, dir)
			b.link.SetReport(state("a"))
			b.client.connect()
			b.pass(time.Second)
			if s := b.statuses(); s[0].Session != future+1+attempt {
				t.Errorf("start %d has session %d, want %d", attempt+1, s[0].Session, future+1+attempt)
			}
			b.end()
		}
		if err := os.WriteFile(sessionPath(dir), []byte("\x00\x00"), 0o600); err != nil {
			t.Fatal(err)
		}
		b := start(t, dir)
		b.link.SetReport(state("a"))
		b.client.connect()
		b.pass(time.Second)
		if s := b.statuses(); s[0].Session != time.Now().Add(-time.Second).UnixMilli() {
			t.Errorf("with a file of no use the session is %d, want the clock's", s[0].Session)
		}
		if n := b.logged("last session is lost"); n != 1 {
			t.Errorf("the loss is logged %d times, want once", n)
		}
		b.end()
	})
}

func TestStatusesThatChangeQuicklyAreThinnedOut(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.client.connect()
		for id := range int64(1000) {
			b.link.SetReport(topics.Report{Version: version(id + 1)})
			b.pass(time.Millisecond)
		}
		b.pass(time.Second)
		s := b.statuses()
		if len(s) > 8 || s[len(s)-1].Version != version(1000) {
			t.Errorf("%d statuses of 1000 changes in a second, the last %v, want a few, the last the newest", len(s), s[len(s)-1].Version)
		}
	})
}

func TestStatusIsPublishedInTheEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		topic := topicOf(topics.DeviceStatus, "d")
		b.client.connect()
		b.pass(time.Minute)
		if s := b.statuses(); len(s) > 0 {
			t.Errorf("before the worker has said anything, the status is %+v", s)
		}
		b.client.set(func() { b.client.fail[topic] = os.ErrDeadlineExceeded })
		b.link.SetReport(topics.Report{Phase: topics.PhaseWaiting})
		b.pass(time.Minute)
		if n := len(b.statuses()); n < 7 || n > 25 {
			t.Errorf("%d attempts in a minute, want about 12", n)
		}
		if n := b.logged("status not published"); n != 1 {
			t.Errorf("the failure is logged %d times, want once", n)
		}
		b.client.set(func() { delete(b.client.fail, topic) })
		b.pass(10 * time.Second)
		n := len(b.statuses())
		b.pass(time.Hour)
		if len(b.statuses()) != n {
			t.Error("a status that was acknowledged is published again")
		}
		b.client.set(func() { b.client.fail[topic] = client.ErrRefused })
		b.link.SetReport(topics.Report{Version: version(1)})
		b.pass(time.Hour)
		if len(b.statuses()) != n+1 {
			t.Errorf("a status that was refused is published %d times, want once", len(b.statuses())-n)
		}
	})
}

func TestProgressOncePerSecondAndApp(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.client.connect()
		for done := range int64(50) {
			for _, app := range []string{"web", "db"} {
				b.link.Progress(topics.Progress{App: app, Phase: topics.PhasePull, Done: done, Total: 50, At: time.Now()})
			}
			b.pass(100 * time.Millisecond)
		}
		b.pass(2 * time.Second)
		last, count := map[string]topics.Progress{}, map[string]int{}
		times := map[string]time.Time{}
		for _, m := range b.client.sent(topicOf(topics.DeviceProgress, "d")) {
			p, err := topics.ParseProgress(m.Payload)
			if err != nil || m.QoS != 0 || m.Retain {
				t.Fatalf("progress %+v: %v, want QoS 0 and not retained", m.Message, err)
			}
			if since := m.at.Sub(times[p.App]); since < time.Second {
				t.Errorf("progress of %s comes %v after the one before", p.App, since)
			}
			times[p.App], last[p.App] = m.at, p
			count[p.App]++
		}
		for _, app := range []string{"web", "db"} {
			if count[app] < 5 || count[app] > 7 || last[app].Done != 49 {
				t.Errorf("%d messages about %s, the last %+v, want some 6, the last at 49", count[app], app, last[app])
			}
		}
	})
}

func TestTransientStatusIsNotRetained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var will *client.Message
		l, err := link.New(link.Options{Group: "g", Device: "d", StateDir: t.TempDir(), TransientStatus: true,
			Dial: func(w func() *client.Message) (client.Client, error) {
				will = w()
				return &fakeClient{handlers: map[string]client.Handler{}}, nil
			}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := l.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
		if will == nil || will.Retain || !strings.Contains(string(will.Payload), topics.Offline) {
			t.Errorf("the will is %+v, want one that is not retained", will)
		}
	})
}
