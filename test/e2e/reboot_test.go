package e2e

import (
	"fmt"
	"os"
	"testing"

	"muster/test/rig"
)

// Power fails while there is no network at all: all apps are up again, in the containers that they had, with what the
// worker knew and without.
func TestRebootOffline(t *testing.T) {
	t.Parallel()
	const apps = 5
	in := installOwn(t, rig.EngineOptions{})
	image := in.registry.Push(t, "hello", rig.Hello{Version: "v1"})
	ports := rig.FreePorts(t, apps)
	var names []string
	for i := range apps {
		names = append(names, rig.Name(fmt.Sprint("app", i)))
		in.must("POST", "/apps/"+names[i], fields{"docker_image": image, "starting_ports": []any{fields{itoa(ports + i): "8080"}}})
	}
	in.must("POST", "/device_groups/shops", fields{"apps": names, "cron_jobs": []string{}})
	d := in.newDevice("shops")
	d.start()
	allUp := func() {
		t.Helper()
		for i := range apps {
			in.awaitAnswer(ports+i, "hello v1")
		}
		d.awaitCount(apps)
	}
	allUp()
	ids := map[string]string{}
	for _, name := range names {
		ids[name] = d.life(name + "-1").id
	}
	reboot := func() {
		t.Helper()
		in.own.PowerCut()
		d.worker.kill()
		in.own.Start()
	}
	in.manager.kill()
	if err := in.registry.Stop(); err != nil {
		t.Fatal(err)
	}

	reboot()
	d.start()
	allUp()

	reboot()
	if err := os.RemoveAll(d.stateDir()); err != nil {
		t.Fatal(err)
	}
	d.start()
	allUp()
	in.startManager()
	d.worker.awaitLog("config applied")
	// The next change comes after all that the worker may have done about the config.
	in.must("POST", "/apps/"+names[0]+"/stop", nil)
	d.awaitCount(apps - 1)
	for _, name := range names[1:] {
		if id := d.life(name + "-1").id; id != ids[name] {
			t.Errorf("%s has container %s, had %s", name, id, ids[name])
		}
	}
}
