package worker

import (
	"testing"
	"time"
)

func TestLife(t *testing.T) {
	began := noon.Add(-time.Hour) // by the engine's clock
	run := func(restarts int, started time.Time) Details { return Details{Restarts: restarts, Started: started} }
	c := Container{ID: "x", State: "running"}
	ill := Container{ID: "x", State: "running", Health: "unhealthy"}
	l := &life{details: run(7, began)} // it was restarted before anybody looked
	for i, step := range []struct {
		c        Container
		d        Details
		after    time.Duration
		restarts int
		up       time.Duration // -1 when it is not up
	}{
		{c, run(7, began), 0, 0, 0},
		{c, run(7, began), time.Minute, 0, 0},
		{c, run(9, began), 2 * time.Minute, 2, 2 * time.Minute},
		{c, run(9, began), 3 * time.Minute, 2, 2 * time.Minute},
		{Container{ID: "x", State: "restarting"}, run(9, began), 4 * time.Minute, 2, -1},
		{ill, run(10, began), 5 * time.Minute, 3, 5 * time.Minute},
		{c, run(10, began.Add(time.Second)), 6 * time.Minute, 3, 6 * time.Minute},
		{c, run(1, began.Add(time.Minute)), 7 * time.Minute, 4, 7 * time.Minute}, // started by hand, and restarted since
	} {
		l.see(step.c, step.d, noon.Add(step.after))
		up := l.up.Sub(noon)
		if l.up.IsZero() {
			up = -1
		}
		if l.restarts != step.restarts || up != step.up {
			t.Errorf("step %d: %d restarts and up since %v, want %d and %v", i, l.restarts, up, step.restarts, step.up)
		}
	}
	loop := &loop{lives: map[string]*life{"x": l}}
	loop.healed("x", noon)
	if engine, health := loop.counts("x"); engine != 4 || health != 1 {
		t.Errorf("counts are %d and %d, want 4 and 1", engine, health)
	}
	if engine, health := loop.counts("gone"); engine != 0 || health != 0 {
		t.Errorf("counts of nothing are %d and %d", engine, health)
	}
	l.again = 2
	loop.pardon()
	if l.again != 0 || l.restarts-l.calm != 0 {
		t.Errorf("after the engine was down the container counts as ended %d and %d times, want none", l.again, l.restarts-l.calm)
	}
	if l.see(ill, l.details, l.heal.next.Add(1)); l.heal == nil {
		t.Error("the pause is forgotten while the container is ill")
	}
	well := Container{ID: "x", State: "running", Health: "healthy"}
	if l.see(well, l.details, l.heal.next); l.heal == nil {
		t.Error("the pause is forgotten before it is over")
	}
	if l.see(Container{ID: "x", State: "running", Health: "starting"}, l.details, l.heal.next.Add(1)); l.heal == nil {
		t.Error("the pause is forgotten before the container was well")
	}
	if l.see(well, l.details, l.heal.next.Add(1)); l.heal != nil {
		t.Error("the pause is not forgotten though the container has been well for as long")
	}
}

// What was before a minute without trouble says nothing against a version, nor what the engine may have done itself.
func TestContainersAreNotBlamedForOldEnds(t *testing.T) {
	for _, test := range []struct {
		name   string
		c      Container
		after  time.Duration
		calmed bool
	}{
		{"up for a minute", Container{State: "running"}, settled, true},
		{"up for less", Container{State: "running"}, settled - 1, false},
		{"healthy for a minute", Container{State: "running", Health: "healthy"}, settled, true},
		{"starting for an hour", Container{State: "running", Health: "starting"}, time.Hour, false},
		{"exited", Container{State: "exited"}, settled, false},
	} {
		l := &life{restarts: 2, again: 2, state: "running", up: noon}
		l.see(test.c, Details{}, noon.Add(test.after))
		if calmed := l.restarts-l.calm == 0 && l.again == 0; calmed != test.calmed {
			t.Errorf("%s: %d restarts of %d and %d starts count", test.name, l.restarts-l.calm, l.restarts, l.again)
		}
	}
	for before, want := range map[string]bool{"created": true, "running": true, "": false, "exited": false} {
		l := &life{state: before}
		if l.see(Container{State: "exited", Detail: "Exited (1) 1 second ago"}, Details{}, noon); l.failed != want {
			t.Errorf("one that was %q and has ended has failed: %v", before, l.failed)
		}
		if l.pardon(); l.failed {
			t.Error("it has failed after it was pardoned")
		}
	}
}

// How long a container has been ending again and again counts from its first end since it was last well.
func TestEndingBeginsWithTheFirstEnd(t *testing.T) {
	l, c := &life{}, Container{State: "restarting"}
	for i, want := range []time.Time{{}, noon.Add(1), noon.Add(1), {}, noon.Add(4)} {
		if i == 3 {
			l.pardon()
		} else {
			l.see(c, Details{Restarts: i}, noon.Add(time.Duration(i)))
		}
		if !l.ending.Equal(want) {
			t.Errorf("after step %d it is ending since %v, want %v", i, l.ending, want)
		}
	}
}

func TestFresh(t *testing.T) {
	for detail, want := range map[string]bool{
		"Up Less than a second": true, "Up 59 seconds": true, "Up 59 seconds (healthy)": true, "running": true, "": true,
		"Up About a minute": false, "Up 2 hours (unhealthy)": false,
	} {
		if got := fresh(Container{State: "running", Detail: detail}); got != want {
			t.Errorf("fresh(%q) = %v", detail, got)
		}
	}
	if !fresh(Container{State: "restarting", Detail: "Restarting (3) 2 hours ago"}) {
		t.Error("a container that ends again and again is not fresh")
	}
	if fresh(Container{State: "exited", Detail: "Exited (0) 2 seconds ago"}) {
		t.Error("a container that does not run is fresh")
	}
}
