package worker

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"muster/topics"
)

// A model is what a device would be after steps are taken, without an engine.
type model struct {
	config     topics.Config
	containers []Container
	mem        memory
	now        time.Time
	made       int
	// crash says whether the worker dies now; nil is never.
	crash func() bool
}

// apply takes the steps as the worker and an engine would, and reports whether any of them acted.
func (m *model) apply(t *testing.T, steps []Step) (acted bool) {
	t.Helper()
	for _, s := range steps {
		if m.crash != nil && m.crash() {
			break
		}
		at := slices.IndexFunc(m.containers, func(c Container) bool { return c.ID == s.ID })
		switch s.Verb {
		case Pull:
			app := s.App
			m.mem.images.pulled[app] = pulled{AppID: m.appID(app), Image: s.Image}
			delete(m.mem.images.gone, app)
		case Remove:
			if at < 0 {
				t.Fatalf("%s removes a container that is not there", s.Container)
			}
			m.containers = slices.Delete(m.containers, at, at+1)
		case Create, Stage:
			m.free(t, s.Container)
			m.made++
			c := Container{ID: fmt.Sprint("new", m.made), Name: s.Container, App: s.App, Index: s.Spec.Index, Spec: s.Spec.Hash(), State: "created"}
			if m.crash != nil && m.crash() { // before it was complete
				c.Spec, c.Name = "", s.Spec.Name()+".unfinished"
				m.free(t, c.Name)
			}
			m.containers = append(m.containers, c)
			if s.Verb == Create && c.Spec != "" && (m.crash == nil || !m.crash()) {
				m.start(t, c.ID)
			}
		case Start:
			if at < 0 {
				t.Fatalf("%s starts a container that is not there", s.Container)
			}
			if s.Rename != "" {
				m.free(t, s.Rename)
				m.containers[at].Name = s.Rename
			}
			if m.crash == nil || !m.crash() {
				m.start(t, s.ID)
			}
		}
		acted = acted || s.acts()
	}
	// Whatever the engine is removing is gone the next time.
	m.containers = slices.DeleteFunc(m.containers, func(c Container) bool { return c.State == "removing" })
	m.now = m.now.Add(time.Hour)
	return acted
}

// free expects that no container has the name.
func (m *model) free(t *testing.T, name string) {
	t.Helper()
	if slices.ContainsFunc(m.containers, func(c Container) bool { return c.Name == name }) {
		t.Fatalf("the name %s is wanted while a container has it", name)
	}
}

// start has a container run, which must not be beside another one in its place.
func (m *model) start(t *testing.T, id string) {
	t.Helper()
	at := slices.IndexFunc(m.containers, func(c Container) bool { return c.ID == id })
	c := &m.containers[at]
	for _, other := range m.containers {
		if other.ID != id && other.App == c.App && other.Index == c.Index && live(other) {
			t.Fatalf("%s is started while %s runs in its place", c.Name, other.Name)
		}
	}
	c.State = "running"
	m.mem.lives[id] = &life{up: m.now}
}

func (m *model) appID(app string) int64 {
	for _, a := range m.config.Apps {
		if a.AppName == app {
			return a.AppID
		}
	}
	return 0
}

var states = []string{"created", "running", "running", "paused", "restarting", "removing", "exited", "dead", "odd"}

// randomModel has a few apps, some of whose ports meet, and containers of these apps and of others: of this
// version or another, once or twice, in any state.
func randomModel(r *rand.Rand) *model {
	m := &model{mem: hasPulled(), now: noon}
	m.mem.lives, m.mem.versions = map[string]*life{}, versions{}
	units := []string{topics.PerServer, topics.PerInstance, topics.PerCPU, topics.PerMemory}
	for _, name := range []string{"a", "b", "c"}[:r.IntN(4)] {
		app := web(named(name), withID(1+r.Int64N(3)), image(fmt.Sprint("image:", r.IntN(2))))
		switch unit := units[r.IntN(len(units))]; unit {
		case topics.PerCPU:
			per(unit, []float64{0.1, 0.5, 1}[r.IntN(3)])(&app)
		case topics.PerMemory:
			per(unit, 500+float64(r.IntN(4000)))(&app)
		default:
			per(unit, float64(1+r.IntN(3)))(&app)
		}
		if r.IntN(3) == 0 {
			onPorts(80 + r.IntN(5))(&app)
		}
		if r.IntN(12) == 0 {
			onPorts(65534)(&app)
		}
		app.Running, app.RollingRestart = r.IntN(5) > 0, r.IntN(2) > 0
		for _, other := range []string{"a", "b", "c", "d"} {
			if r.IntN(8) == 0 { // which may be a ring
				app.DependsOn = append(app.DependsOn, other)
			}
		}
		m.config.Apps = append(m.config.Apps, app)
		if r.IntN(2) == 0 {
			m.mem.images.pulled[name] = versionOf(app)
		}
		before := app
		if r.IntN(3) == 0 {
			before.AppID, before.DockerImage = 7, "image:7"
			m.mem.versions[name] = gaveUp(before, app)[name]
		}
		if r.IntN(4) == 0 {
			m.mem.images.gone[name] = app.DockerImage
		}
		for range r.IntN(5) {
			index := r.IntN(4)
			of := app
			if r.IntN(2) == 0 {
				of = before
			}
			spec, err := NewSpec(of, index)
			c := Container{Name: spec.Name(), App: name, Index: index, Spec: spec.Hash(), State: states[r.IntN(len(states))]}
			if err != nil || r.IntN(2) == 0 {
				c.Spec = "old"
			}
			m.add(c, r)
		}
	}
	for range r.IntN(3) {
		m.add(Container{Name: "stray-1", App: "stray", Index: r.IntN(3) - 1, Spec: "old", State: states[r.IntN(len(states))]}, r)
	}
	return m
}

// add gives the container an id, and a name of its own where the usual one is taken.
func (m *model) add(c Container, r *rand.Rand) {
	m.made++
	c.ID = fmt.Sprint("id", m.made)
	if slices.ContainsFunc(m.containers, func(d Container) bool { return d.Name == c.Name }) {
		c.Name = fmt.Sprint("copy", m.made)
	}
	if c.State == "running" {
		m.mem.lives[c.ID] = &life{up: m.now}
	}
	m.containers = append(m.containers, c)
}

// effective are the apps that are to run.
func (m *model) effective() []topics.App {
	p := planner{mem: m.mem}
	var apps []topics.App
	for _, app := range m.config.Apps {
		run, _, _ := p.effective(app)
		apps = append(apps, run)
	}
	return apps
}

// A worker that is killed at any point, again and again, leaves what the next one cleans up or finishes.
func TestPlanComesToRestAfterCrashes(t *testing.T) {
	facts := Facts{CPUs: 4, MemoryMB: 4000}
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := randomModel(r)
		m.crash = func() bool { return r.IntN(4) == 0 }
		for range 10 {
			m.apply(t, plan(m.config, m.containers, facts, m.mem, m.now))
		}
		m.crash = nil
		for range 15 {
			steps := plan(m.config, m.containers, facts, m.mem, m.now)
			checkSteps(t, seed, m, steps)
			m.apply(t, steps)
			if t.Failed() {
				return
			}
		}
		checkRest(t, seed, m, facts)
	}
}

func TestPlanComesToRest(t *testing.T) {
	facts := Facts{CPUs: 4, MemoryMB: 4000}
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 0))
		m := randomModel(r)
		rounds := 0
		for ; rounds < 10; rounds++ {
			steps := plan(m.config, m.containers, facts, m.mem, m.now)
			checkSteps(t, seed, m, steps)
			if t.Failed() {
				return
			}
			removing := slices.ContainsFunc(m.containers, func(c Container) bool { return c.State == "removing" })
			if !m.apply(t, steps) && !removing {
				break
			}
		}
		if rounds == 10 {
			t.Errorf("seed %d: still acting after %d rounds on %+v", seed, rounds, m.config.Apps)
		}
		checkRest(t, seed, m, facts)
	}
}

// checkSteps checks one decision: about every container exactly once, nothing that runs as wanted touched.
func checkSteps(t *testing.T, seed uint64, m *model, steps []Step) {
	t.Helper()
	decided := map[string]int{}
	for _, s := range steps {
		decided[s.ID]++
		missed := func(o Step) bool {
			return o.App == s.App && o.Verb == Remove && slices.ContainsFunc(m.containers, func(c Container) bool {
				return c.ID == o.ID && c.State != "created" && c.State != "dead"
			})
		}
		if (s.Verb == Pull || s.Verb == Stage) && slices.ContainsFunc(steps, missed) {
			t.Errorf("seed %d: app %s: containers are removed before their successors are made", seed, s.App)
		}
	}
	wanted := map[string]int{}
	for _, app := range m.effective() {
		for i := range 4 {
			if spec, err := NewSpec(app, i); err == nil {
				wanted[spec.Hash()] = i
			}
		}
	}
	for _, c := range m.containers {
		if decided[c.ID] != 1 {
			t.Errorf("seed %d: %d decisions about %+v", seed, decided[c.ID], c)
		}
	}
	for _, s := range steps {
		at := slices.IndexFunc(m.containers, func(c Container) bool { return c.ID == s.ID })
		if at < 0 || s.Verb != Remove || s.Reason == "the app is not to run" || m.containers[at].State == "dead" {
			continue
		}
		c := m.containers[at]
		count := 0
		for _, app := range m.effective() {
			if app.AppName == c.App {
				count = app.ContainersPer.Containers(4, 4000)
			}
		}
		if _, ok := wanted[c.Spec]; ok && c.Index < count && !keepsAnother(m, steps, c) {
			t.Errorf("seed %d: %+v is removed, though it is wanted and the only one (%s)", seed, c, s.Reason)
		}
	}
}

// keepsAnother reports whether a container of the same spec as c stays.
func keepsAnother(m *model, steps []Step, c Container) bool {
	return slices.ContainsFunc(m.containers, func(d Container) bool {
		return d.ID != c.ID && d.Spec == c.Spec && slices.ContainsFunc(steps, func(s Step) bool {
			return s.ID == d.ID && s.Verb != Remove
		})
	})
}

// checkRest checks what is there when nothing is left to do: what is wanted, or else a reason.
func checkRest(t *testing.T, seed uint64, m *model, facts Facts) {
	t.Helper()
	steps := plan(m.config, m.containers, facts, m.mem, m.now)
	for _, s := range steps {
		// A roll waits for a container that is in trouble.
		troubled := slices.ContainsFunc(steps, func(o Step) bool { return o.App == s.App && o.Trouble != "" && o.Code != topics.ReasonRolledBack })
		if s.acts() || s.Verb == Wait && !troubled {
			t.Errorf("seed %d: at rest there is %+v", seed, s)
		}
	}
	for _, app := range m.effective() {
		troubled := slices.ContainsFunc(steps, func(s Step) bool { return s.App == app.AppName && s.Trouble != "" && s.Code != topics.ReasonRolledBack })
		want := 0
		if app.Running {
			want = app.ContainersPer.Containers(facts.CPUs, facts.MemoryMB)
		}
		got := 0
		for _, c := range m.containers {
			spec, err := NewSpec(app, max(c.Index, 0))
			if c.App == app.AppName && err == nil && c.Spec == spec.Hash() && c.State == "running" {
				got++
			} else if c.App == app.AppName && !troubled {
				t.Errorf("seed %d: app %s: at rest there is %+v", seed, app.AppName, c)
			}
		}
		if got != want && !troubled {
			t.Errorf("seed %d: app %s: at rest %d containers run as wanted, want %d", seed, app.AppName, got, want)
		}
	}
	for _, c := range m.containers {
		if c.App == "stray" {
			t.Errorf("seed %d: at rest the stray %+v is still there", seed, c)
		}
	}
}
