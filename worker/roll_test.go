package worker

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/topics"
)

func healthy(c Container) Container   { c.Health = "healthy"; return c }
func unhealthy(c Container) Container { c.Health = "unhealthy"; return c }
func starting(c Container) Container  { c.Health = "starting"; return c }
func holding(c Container, ports ...int) Container {
	c.Ports = ports
	return c
}

func TestRoll(t *testing.T) {
	app := web(per("server", 3), rolling)
	up := func(since time.Duration) memory {
		m := hasPulled(app)
		m.lives = map[string]*life{"id-web-1": {up: noon.Add(-since)}}
		return m
	}
	rest := []Container{old(app, 1, "running"), staged(app, 1), old(app, 2, "running"), staged(app, 2)}
	after := func(first ...Container) []Container { return append(first, rest...) }
	next := []string{"remove web-2", "keep web-1", "start web-2.next", "wait web-3", "wait web-3.next"}
	waits := []string{"keep web-1", "wait web-2", "wait web-2.next", "wait web-3", "wait web-3.next"}
	shift := web(per("server", 2), rolling, onPorts(81))
	swap := web(per("server", 2), rolling, onPorts(80))
	once := web(per("server", 2), rolling, policy(topics.RestartNo))
	tests := []struct {
		name string
		app  topics.App
		seen []Container
		mem  memory
		want []string
		// again is how long until the next look; 0 is when something happens.
		again time.Duration
	}{
		{name: "the first", app: app, seen: after(old(app, 0, "running"), staged(app, 0)), mem: up(0),
			want: []string{"remove web-1", "start web-1.next", "wait web-2", "wait web-2.next", "wait web-3", "wait web-3.next"}},
		{name: "not before all are made", app: app, seen: []Container{old(app, 0, "running"), staged(app, 0), old(app, 1, "running")}, mem: up(0),
			want: []string{"wait web-1", "wait web-1.next", "wait web-2", "stage web-2.next", "stage web-3.next"}},
		{name: "the first is starting", app: app, seen: after(starting(made(app, 0, "running"))), mem: up(time.Hour), want: waits},
		{name: "the first is healthy", app: app, seen: after(healthy(made(app, 0, "running"))), mem: up(0), want: next},
		{name: "the first has not run for long", app: app, seen: after(made(app, 0, "running")), mem: up(rolled - time.Second), want: waits, again: time.Second},
		{name: "the first has run for long", app: app, seen: after(made(app, 0, "running")), mem: up(rolled), want: next},
		{name: "the first was just seen to run", app: app, seen: after(made(app, 0, "running")), mem: hasPulled(app), want: waits},
		{name: "the first has finished", app: once, mem: up(0), want: []string{"remove web-2", "keep web-1", "start web-2.next"},
			seen: []Container{detail(made(once, 0, "exited"), "Exited (0) 1 second ago"), old(once, 1, "running"), staged(once, 1)}},
		{name: "the first could not be started", app: app, seen: after(made(app, 0, "created")), mem: up(0),
			want: []string{"start web-1", "wait web-2", "wait web-2.next", "wait web-3", "wait web-3.next"}},
		{name: "the next does not run anyway", app: app, mem: up(0),
			seen: []Container{starting(made(app, 0, "running")), old(app, 1, "exited"), staged(app, 1), old(app, 2, "running"), staged(app, 2)},
			want: []string{"remove web-2", "keep web-1", "start web-2.next", "wait web-3", "wait web-3.next"}},
		{name: "each needs the port of its own old one", app: swap, mem: up(0),
			seen: []Container{holding(old(swap, 0, "running"), 80), staged(swap, 0), holding(old(swap, 1, "running"), 81), staged(swap, 1)},
			want: []string{"remove web-1", "start web-1.next", "wait web-2", "wait web-2.next"}},
		{name: "each needs the port of the next one", app: shift, mem: up(0),
			seen: []Container{holding(old(shift, 0, "running"), 80), staged(shift, 0), holding(old(shift, 1, "running"), 81), staged(shift, 1)},
			want: []string{"remove web-2", "wait web-1", "wait web-1.next", "start web-2.next"}},
		{name: "each needs the port of the other", app: swap, mem: up(0),
			seen: []Container{holding(old(swap, 0, "running"), 81), staged(swap, 0), holding(old(swap, 1, "running"), 80), staged(swap, 1)},
			want: []string{"remove web-1", "remove web-2", "start web-1.next", "start web-2.next"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config := topics.Config{Content: topics.Content{Apps: []topics.App{test.app}}}
			steps := plan(config, test.seen, Facts{CPUs: 4, MemoryMB: 4000}, test.mem, noon)
			if diff := cmp.Diff(test.want, lines(steps)); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
			for _, s := range steps {
				if s.Verb == Wait && test.again != 0 && !s.Again.Equal(noon.Add(test.again)) {
					t.Errorf("%s is looked at again at %v, want in %v", s.Container, s.Again, test.again)
				}
			}
		})
	}
}
