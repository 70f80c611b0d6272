package e2e

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"muster/test/rig"
)

// A model is what the test wants of a device's apps, beside what it has seen of their containers: one that was seen
// running as its app is wanted must be there for as long as its app stays that way.
type model struct {
	in     *installation
	device *device
	group  string
	random *rand.Rand
	images []string
	apps   map[string]*modelApp
	// restarts says that containers may be started anew, because the engine is.
	restarts bool
	// seen are the containers that must stay, by name.
	seen map[string]life
	// changes counts what was changed, and kept how often a container had to be there still, and was.
	changes, kept int
}

// A modelApp is one app as it is wanted.
type modelApp struct {
	steady           bool // never changed
	image            string
	count            int
	running, inGroup bool
	// version is in the containers' environment, and raised by every change: that makes new containers.
	version int
}

// modelMost is how many containers an app has at most.
const modelMost = 3

// newModel has the manager know a group of apps, some steady and some that will change, and makes the device.
// They publish ports if ports says so, and the first of the others has rolling_restart.
func newModel(t *testing.T, in *installation, steady, moving int, ports bool) *model {
	t.Helper()
	m := &model{
		in: in, group: rig.Name("group"), random: rig.Random(t),
		apps: map[string]*modelApp{}, seen: map[string]life{},
	}
	for _, version := range []string{"v1", "v2"} {
		m.images = append(m.images, in.registry.Push(t, "hello", rig.Hello{Version: version, Padding: 1 << 20}))
	}
	for i := range steady + moving {
		kind := "moving"
		if i < steady {
			kind = "steady"
		}
		a := &modelApp{steady: i < steady, image: m.images[0], count: 1 + i%2, running: true, inGroup: true, version: 1}
		name := rig.Name(kind)
		m.apps[name] = a
		body := m.fields(a)
		if ports {
			body["starting_ports"] = []any{fields{itoa(rig.FreePorts(t, modelMost)): "8080"}}
		}
		body["rolling_restart"] = i == steady
		in.must("POST", "/apps/"+name, body)
	}
	in.must("POST", "/device_groups/"+m.group, fields{"apps": m.members(), "cron_jobs": []string{}})
	m.device = in.newDevice(m.group)
	return m
}

func (m *model) fields(a *modelApp) fields {
	return fields{
		"docker_image": a.image, "containers_per": fields{"server": a.count}, "running": a.running,
		"env_vars": fields{"GREETING": itoa(a.version)},
	}
}

// members are the names of the apps in the group.
func (m *model) members() []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(m.apps)) {
		if m.apps[name].inGroup {
			list = append(list, name)
		}
	}
	return list
}

// change changes one of the moving apps, in one of the ways that there are.
func (m *model) change() {
	m.in.t.Helper()
	var moving []string
	for _, name := range slices.Sorted(maps.Keys(m.apps)) {
		if !m.apps[name].steady {
			moving = append(moving, name)
		}
	}
	name := moving[m.random.IntN(len(moving))]
	a := m.apps[name]
	m.changes++
	a.version++
	switch kind := m.random.IntN(6); {
	case !a.inGroup, !a.running:
		a.inGroup, a.running = true, true
	case kind == 0:
		a.inGroup = false
	case kind == 1:
		a.running = false
	case kind <= 3:
		a.count = 1 + m.random.IntN(modelMost)
	default:
		a.image = m.images[m.random.IntN(len(m.images))]
	}
	for i := range modelMost {
		delete(m.seen, fmt.Sprintf("%s-%d", name, i+1))
	}
	m.in.must("PUT", "/apps/"+name+"/update", m.fields(a))
	m.in.must("PUT", "/device_groups/"+m.group+"/update", fields{"apps": m.members()})
}

// look checks that the containers that had to stay did, and notes the others that run as wanted.
func (m *model) look() {
	m.in.t.Helper()
	for name, a := range m.apps {
		for i := range a.count {
			if a.inGroup && a.running {
				m.lookAt(fmt.Sprintf("%s-%d", name, i+1), a)
			}
		}
	}
}

func (m *model) lookAt(name string, a *modelApp) {
	m.in.t.Helper()
	c, err := m.in.engine.ContainerInspect(m.in.t.Context(), name)
	if err != nil && !cerrdefs.IsNotFound(err) {
		m.in.t.Fatal(err)
	}
	var now life
	if err == nil {
		now = life{c.ID, c.State.StartedAt}
	}
	if before, known := m.seen[name]; known {
		if now.id != before.id || (!m.restarts && now.startedAt != before.startedAt) {
			m.in.t.Fatalf("after %d changes: %s was touched, though its app stayed at version %d: was %+v, is %+v, %v",
				m.changes, name, a.version, before, now, err)
		}
		m.kept++
		return
	}
	if err == nil && c.State.Running && madeAs(c, a) == nil {
		m.seen[name] = now
	}
}

// madeAs says what of the container is not as the app is wanted.
func madeAs(c container.InspectResponse, a *modelApp) error {
	if c.Config.Image != a.image {
		return fmt.Errorf("its image is %s, want %s", c.Config.Image, a.image)
	}
	if want := "GREETING=" + itoa(a.version); !slices.Contains(c.Config.Env, want) {
		return fmt.Errorf("its environment is %q, want %s", c.Config.Env, want)
	}
	return nil
}

// settle waits until the device runs what is wanted and nothing else, and checks that nothing was touched on the way.
func (m *model) settle() {
	m.in.t.Helper()
	await(m.in.t, "the device to run what is wanted", m.settled)
	m.look()
}

func (m *model) settled() error {
	var want []string
	for name, a := range m.apps {
		for i := range a.count {
			if a.inGroup && a.running {
				want = append(want, fmt.Sprintf("%s-%d", name, i+1))
			}
		}
	}
	slices.Sort(want)
	have := m.device.containers()
	if names := slices.Sorted(maps.Keys(have)); !slices.Equal(names, want) {
		return fmt.Errorf("there are %q, want %q", names, want)
	}
	for name := range have {
		c, err := m.in.engine.ContainerInspect(m.in.t.Context(), name)
		if err != nil {
			return err
		}
		if err := madeAs(c, m.apps[name[:strings.LastIndex(name, "-")]]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if !c.State.Running || c.State.Restarting {
			return fmt.Errorf("%s is %s", name, c.State.Status)
		}
	}
	return nil
}
