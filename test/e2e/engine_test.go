package e2e

import (
	"testing"

	"muster/test/rig"
)

// An engine that is killed brings the apps back by itself, when there is no worker to do so.
func TestAppsComeBackWithTheEngineAlone(t *testing.T) {
	in := installOwn(t, rig.EngineOptions{})
	image := in.registry.Push(t, "hello", rig.Hello{Version: "v1"})
	name, port := rig.Name("app"), rig.FreePorts(t, 1)
	in.must("POST", "/apps/"+name, fields{"docker_image": image, "starting_ports": []any{fields{itoa(port): "8080"}}})
	in.must("POST", "/device_groups/shops", fields{"apps": []string{name}, "cron_jobs": []string{}})
	d := in.newDevice("shops")
	d.start()
	in.awaitAnswer(port, "hello v1")
	id := d.life(name + "-1").id
	d.worker.kill()
	for _, down := range []func(){in.own.Kill, in.own.Stop, in.own.PowerCut} {
		down()
		in.own.Start()
		in.awaitAnswer(port, "hello v1")
	}
	if now := d.life(name + "-1").id; now != id {
		t.Errorf("the container is another: %s, was %s", now, id)
	}
}
