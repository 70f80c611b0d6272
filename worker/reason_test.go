package worker_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"muster/topics"
	"muster/worker"
	"muster/worker/enginetest"
)

// idle is an engine whose Remove does nothing, and says that all went well.
type idle struct{ worker.Engine }

func (idle) Remove(context.Context, string) error { return nil }

// The codes of what the worker finds out without an error of the engine, and of an error that it does not know.
func TestReasonsOfTheWorkerItself(t *testing.T) {
	state := func(state, detail string) func(*bench) {
		return func(b *bench) { b.machine.SetState("web-1", state, detail); b.pass(time.Second) }
	}
	for code, tc := range map[topics.Reason]struct {
		apps   []topics.App
		then   func(*bench)
		engine func(worker.Engine) worker.Engine
	}{
		topics.ReasonPortClash:    {apps: []topics.App{newApp("db", "redis:1", port(80)), newApp("web", "nginx:1", port(80))}},
		topics.ReasonPortRange:    {apps: []topics.App{newApp("web", "nginx:1", times(2), port(65535))}},
		topics.ReasonTooMany:      {apps: []topics.App{newApp("web", "nginx:1", times(5000))}},
		topics.ReasonPaused:       {then: state("paused", "Up 1 second (Paused)")},
		topics.ReasonUnknownState: {then: state("dreaming", "Up")},
		topics.ReasonRestarting:   {then: state("restarting", "Restarting (1) 1 second ago")},
		topics.ReasonExited: {then: func(b *bench) {
			for range 2 {
				state("exited", "Exited (1) 1 second ago")(b)
			}
		}},
		topics.ReasonUnknown: {apps: []topics.App{newApp("web", "nginx:1")}, then: func(b *bench) {
			b.machine.Fail(enginetest.OpCreate, errors.New("nobody has seen this"))
			b.offer(config(b.t, 2, newApp("web", "nginx:2", appID(2))))
			b.pass(time.Second)
		}},
		topics.ReasonNoEffect: {engine: func(e worker.Engine) worker.Engine { return idle{e} }, then: func(b *bench) {
			b.offer(config(b.t, 2))
			b.pass(time.Second)
		}},
	} {
		t.Run(string(code), func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.t = t
				if tc.engine != nil {
					b.engine = tc.engine(b.machine.Engine("d"))
				}
				if tc.apps == nil {
					tc.apps = []topics.App{newApp("web", "nginx:1")}
				}
				b.begin("g")
				b.offer(config(t, 1, tc.apps...))
				b.pass(time.Minute)
				if tc.then != nil {
					b.says(1)
					tc.then(b)
				}
				r := b.last()
				if len(r.Failing) != 1 || r.Failing[0].App != "web" || r.Failing[0].Code != code || r.Failing[0].Reason == "" {
					t.Errorf("failing are %+v, want web with %s", r.Failing, code)
				}
			})
		})
	}
}
