package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"muster/test/rig"
	"muster/topics"
)

// The worker is killed again and again while it goes back from versions that fail, replaces containers one after
// another, and pulls over a slow link; and the engine goes down while containers are about to make way for those
// that were made beside them. All ends as it would have without.
func TestKillsDuringRollbacks(t *testing.T) {
	t.Parallel()
	in := installOwn(t, rig.EngineOptions{})
	good := in.registry.Push(t, "hello", rig.Hello{Version: "v1", Healthcheck: true})
	next := in.registry.Push(t, "hello", rig.Hello{Version: "v2", Healthcheck: true})
	sick := in.registry.Push(t, "hello", rig.Hello{Version: "sick", Healthcheck: true, Args: []string{"-sick"}})
	ends := in.registry.Push(t, "hello", rig.Hello{Version: "ends", Args: []string{"-exit", "3"}})
	deaf := in.registry.Push(t, "hello", rig.Hello{Version: "deaf", Args: []string{"-ignore-term"}})
	in.registry.Push(t, "big", rig.Hello{Version: "v2", Padding: 2 << 20})
	line, err := rig.Toxiproxy(t).NewProxy(t.Context(), in.registry.Addr)
	if err != nil {
		t.Fatal(err)
	}
	slow := rig.Bandwidth(16)
	if err := line.Add(t.Context(), slow); err != nil {
		t.Fatal(err)
	}
	big := line.Addr + "/big:v2"

	apps := []struct {
		name, from, to string
		count          int
		back           bool // the version to go to fails
	}{
		{"steady", good, good, 2, false},
		{"sick", good, sick, 2, true},
		{"ends", good, ends, 1, true},
		{"rolled", good, next, 3, false},
		{"rolledback", good, sick, 3, true},
		{"pulled", good, big, 1, false},
		{"deaf", deaf, deaf, 2, false},
	}
	var names, containers []string
	wanted := map[string]string{} // images, by container
	failing := map[string]topics.Reason{}
	for _, a := range apps {
		names = append(names, a.name)
		in.must("POST", "/apps/"+a.name, fields{
			"docker_image": a.from, "containers_per": fields{"server": a.count}, "stop_grace_seconds": 2,
			"rolling_restart": strings.HasPrefix(a.name, "rolled"),
		})
		if a.back {
			failing[a.name] = topics.ReasonRolledBack
			a.to = a.from
		}
		for i := range a.count {
			container := fmt.Sprintf("%s-%d", a.name, i+1)
			containers, wanted[container] = append(containers, container), a.to
		}
	}
	in.must("POST", "/device_groups/shops", fields{"apps": names, "cron_jobs": []string{}})
	d := in.newDevice("shops")
	statuses := in.subscribe(topics.DefaultRoot.Topic(topics.DeviceStatus, d.name))
	d.start()
	d.awaitCount(len(containers))
	for _, a := range apps {
		if a.back {
			d.worker.awaitLog(`msg="version works" app=` + a.name)
		}
	}
	untouched := []string{d.life("steady-1").id, d.life("steady-2").id, d.life("pulled-1").id}
	check := func() {
		t.Helper()
		if now := []string{d.life("steady-1").id, d.life("steady-2").id, d.life("pulled-1").id}; !slices.Equal(now, untouched) {
			t.Fatalf("containers were replaced whose app stays, or whose image is not there yet: %q, were %q", now, untouched)
		}
	}

	for _, a := range apps {
		if a.from != a.to {
			in.must("PUT", "/apps/"+a.name+"/update", fields{"docker_image": a.to})
		}
	}
	random := rig.Random(t)
	kill := func(times int) {
		t.Helper()
		for range times {
			<-time.After(time.Duration(random.IntN(1000)) * time.Millisecond)
			d.worker.kill()
			check()
			d.start()
		}
	}
	kill(6)
	for version, down := range []func(){in.own.Kill, in.own.PowerCut, in.own.Stop} {
		in.must("PUT", "/apps/deaf/update", fields{"env_vars": fields{"GREETING": itoa(version)}})
		await(t, "containers beside those that are to make way", func() error {
			if _, ok := d.containers()["deaf-2.next"]; !ok {
				return errStill
			}
			return nil
		})
		down()
		if version > 0 {
			d.worker.kill()
		}
		in.own.Start()
		if version > 0 {
			d.start()
		}
		check()
		kill(2)
	}
	awaitCodes(t, statuses, failing)
	check()

	if err := line.Remove(t.Context(), slow); err != nil {
		t.Fatal(err)
	}
	asWanted := func() error { return d.runs(wanted) }
	await(t, "all to be as wanted", asWanted)
	for _, name := range []string{"deaf-1", "deaf-2"} {
		if c, err := in.engine.ContainerInspect(t.Context(), name); err != nil || !slices.Contains(c.Config.Env, "GREETING=2") {
			t.Errorf("%s is not of the last version: %v, %v", name, c.Config, err)
		}
	}
	awaitCodes(t, statuses, failing)
	before := map[string]life{}
	for _, name := range containers {
		before[name] = d.life(name)
	}
	d.worker.kill()
	d.start()
	for name, code := range failing {
		d.worker.awaitLog(fmt.Sprintf(`msg="does not run as wanted" app=%s code=%s`, name, code))
	}
	awaitCodes(t, statuses, failing)
	if err := asWanted(); err != nil {
		t.Error(err)
	}
	for _, name := range containers {
		if now := d.life(name); now != before[name] {
			t.Errorf("%s was touched by a worker that found all as it is to be: %+v, was %+v", name, now, before[name])
		}
	}
}

// runs reports whether the engine has just these containers, by name, running and not unhealthy, each of its image.
func (d *device) runs(images map[string]string) error {
	list, err := d.in.engine.ContainerList(d.in.t.Context(), container.ListOptions{All: true})
	if err != nil {
		return err
	}
	for _, c := range list {
		name := c.Names[0][1:]
		if c.Image != images[name] && d.imageID(images[name]) != c.ImageID {
			return fmt.Errorf("%s is of %s, want %q", name, c.Image, images[name])
		}
		if c.State != container.StateRunning || strings.Contains(c.Status, "unhealthy") || strings.Contains(c.Status, "starting") {
			return fmt.Errorf("%s is %s: %s", name, c.State, c.Status)
		}
	}
	if len(list) != len(images) {
		return fmt.Errorf("there are %d containers, want %d", len(list), len(images))
	}
	return nil
}

// imageID is the id that the image has on the device, empty when it has none.
func (d *device) imageID(ref string) string {
	found, err := d.in.engine.ImageInspect(d.in.t.Context(), ref)
	if err != nil {
		return ""
	}
	return found.ID
}
