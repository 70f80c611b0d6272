package mqtt

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"muster/broker/client/network"
	"muster/topics"
)

func TestTurn(t *testing.T) {
	now := time.Now()
	online := func(by string) topics.Presence { return topics.Presence{State: topics.Online, Instance: by} }
	offline := topics.Presence{State: topics.Offline, Instance: "other"}
	for _, test := range []struct {
		name       string
		heard      []topics.Presence
		upLast     bool
		from, till time.Duration
	}{
		{"nobody there", nil, true, settle, settle},
		{"another", []topics.Presence{online("other")}, false, silence, silence + heartbeat},
		{"another, and the connection was lost", []topics.Presence{online("other")}, true, silence, silence},
		{"another that says so again and again", []topics.Presence{online("other"), online("other")}, false, silence, silence + heartbeat},
		{"another has gone", []topics.Presence{online("other"), offline}, false, settle / 2, settle * 3 / 2},
		{"one goes and another takes its place", []topics.Presence{offline, online("third")}, false, silence, silence + heartbeat},
		{"this one, before it was killed", []topics.Presence{online("me")}, false, settle / 2, settle * 3 / 2},
		{"this one, before another took its place", []topics.Presence{online("me"), online("other")}, false, silence, silence + heartbeat},
	} {
		me := turn{instance: "me"}
		me.up(now)
		for _, p := range test.heard {
			me.hear(p, now)
		}
		if test.upLast {
			me.up(now)
		}
		if wait := me.at.Sub(now); wait < test.from || wait > test.till {
			t.Errorf("%s: goes after %v, want %v to %v", test.name, wait, test.from, test.till)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for what, change := range map[string]func(*Options){
		"a name with a slash": func(o *Options) { o.Name = "a/b" },
		"no name":             func(o *Options) { o.Name = "" },
		"no instance":         func(o *Options) { o.Instance = "" },
		"nobody to take":      func(o *Options) { o.Take = nil },
		"a share with a plus": func(o *Options) { o.Share = "a+" },
		"a share and parts":   func(o *Options) { o.Share, o.Part = "a", Part{1, 2} },
	} {
		o := options(t, "mqtt://127.0.0.1:1", "b", &spool{})
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
}

// Who loses the session waits before it listens again, longer each time: two that cannot hear each other do not hammer the broker.
func TestLoserWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bounds := network.Backoff{Min: time.Second, Max: 10 * time.Minute, Stable: 5 * time.Minute}
		const losses = 200
		var lost time.Time
		var waits []time.Duration
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		await := func(context.Context) error {
			if !lost.IsZero() {
				waits = append(waits, time.Since(lost))
			}
			return nil
		}
		serve := func(context.Context) error {
			if len(waits) == losses {
				time.Sleep(bounds.Stable) // had it for long
			}
			if len(waits) > losses {
				stop()
			}
			lost = time.Now()
			return nil
		}
		if err := takeTurns(ctx, bounds, await, serve); err != nil {
			t.Fatal(err)
		}
		var late time.Duration
		for i, wait := range waits[:losses] {
			if most := min(bounds.Min<<min(i, 20), bounds.Max); wait > most {
				t.Errorf("wait %d is %v, want at most %v", i, wait, most)
			}
			if i >= losses/2 {
				late += wait / (losses / 2)
			}
		}
		if late < bounds.Max/4 || late > bounds.Max*3/4 {
			t.Errorf("who lost it often waits %v on average, want about half of %v", late, bounds.Max)
		}
		if last := waits[losses]; last > bounds.Min {
			t.Errorf("who had it for long waits %v, want at most %v", last, bounds.Min)
		}
	})
}
