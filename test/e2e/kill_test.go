package e2e

import (
	"fmt"
	"testing"

	"muster/test/rig"
)

// Whoever dies, in whatever order, and whatever changes meanwhile: a container whose spec still matches is
// never touched, changes arrive, and no device ever goes back.
func TestKillsInAnyOrder(t *testing.T) {
	forEachBroker(t, func(t *testing.T, in *installation) {
		image := in.registry.Push(t, "hello", rig.Hello{Version: "v1"})
		steady, moving := rig.Name("steady"), rig.Name("moving")
		port := rig.FreePorts(t, 2)
		in.must("POST", "/apps/"+steady, fields{"docker_image": image, "starting_ports": []any{fields{itoa(port): "8080"}}})
		in.must("POST", "/apps/"+moving, fields{"docker_image": image, "starting_ports": []any{fields{itoa(port + 1): "8080"}}})
		in.must("POST", "/device_groups/shops", fields{"apps": []string{steady, moving}, "cron_jobs": []string{}})
		d := in.newDevice("shops")
		seen := in.watch(d)
		d.start()
		in.awaitAnswer(port, "hello v1")
		in.awaitAnswer(port+1, "hello v1")
		untouched := d.life(steady + "-1")

		killManager, startManager := func() { in.manager.kill() }, func() { in.startManager() }
		killWorker, startWorker := func() { d.worker.kill() }, func() { d.start() }
		kills := []func(){killManager, killWorker}
		starts := []func(){startManager, startWorker}
		if in.external != nil {
			kills, starts = append(kills, in.external.Stop), append(starts, in.external.Start)
		}
		random := rig.Random(t)
		for round := range 10 {
			change := func() {
				in.must("PUT", "/apps/"+moving+"/update", fields{"env_vars": fields{"GREETING": fmt.Sprint("round ", round)}})
			}
			order := random.Perm(len(kills))[:1+random.IntN(len(kills))]
			if random.IntN(2) == 0 {
				change()
			}
			for _, i := range order {
				kills[i]()
			}
			random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
			for _, i := range order {
				starts[i]()
			}
			change()
			in.awaitAnswer(port+1, fmt.Sprintf("round %d v1", round))
			if now := d.life(steady + "-1"); now != untouched {
				t.Fatalf("round %d (kills and starts %v): the steady container was touched: %+v, was %+v", round, order, now, untouched)
			}
		}
		seen.neverBack()
	})
}

// A device that was once configured starts its apps with no manager, no broker and no registry.
func TestADeviceBootsWithoutTheNetwork(t *testing.T) {
	in := install(t, nil)
	image := in.registry.Push(t, "hello", rig.Hello{Version: "v1"})
	name, port := rig.Name("app"), rig.FreePorts(t, 1)
	in.must("POST", "/apps/"+name, fields{"docker_image": image, "starting_ports": []any{fields{itoa(port): "8080"}}})
	in.must("POST", "/device_groups/shops", fields{"apps": []string{name}, "cron_jobs": []string{}})
	d := in.newDevice("shops")
	d.start()
	in.awaitAnswer(port, "hello v1")

	d.worker.kill()
	in.manager.kill()
	if err := in.registry.Stop(); err != nil {
		t.Fatal(err)
	}
	d.removeContainers()
	d.start()
	in.awaitAnswer(port, "hello v1")
	d.worker.stop()
	if answer, err := get(port); err != nil || answer != "hello v1" {
		t.Errorf("after a stop of the worker the app answers %q, %v", answer, err)
	}
}
