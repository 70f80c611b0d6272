package e2e

import (
	"testing"

	"muster/test/rig"
)

// The whole path: a REST call, a retained message, a pull, a container; and every kind of change after it.
func TestAChangeReachesTheContainers(t *testing.T) {
	forEachBroker(t, func(t *testing.T, in *installation) {
		v1 := in.registry.Push(t, "hello", rig.Hello{Version: "v1"})
		v2 := in.registry.Push(t, "hello", rig.Hello{Version: "v2"})
		name, port := rig.Name("app"), rig.FreePorts(t, 3)
		other, otherPort := rig.Name("other"), rig.FreePorts(t, 1)
		in.must("POST", "/apps/"+name, fields{"docker_image": v1, "starting_ports": []any{fields{itoa(port): "8080"}}})
		in.must("POST", "/apps/"+other, fields{"docker_image": v1, "starting_ports": []any{fields{itoa(otherPort): "8080"}}})
		in.must("POST", "/device_groups/shops", fields{"apps": []string{name, other}, "cron_jobs": []string{}})

		d := in.newDevice("shops")
		d.start("--check-in-time", "1h") // it is to be told
		in.awaitAnswer(port, "hello v1")
		in.awaitAnswer(otherPort, "hello v1")
		untouched := d.life(other + "-1")

		// A new image.
		in.must("PUT", "/apps/"+name+"/update", fields{"docker_image": v2})
		in.awaitAnswer(port, "hello v2")
		// A new environment.
		in.must("PATCH", "/apps/"+name+"/update", fields{"env_vars": fields{"GREETING": "good morning"}})
		in.awaitAnswer(port, "good morning v2")
		// A restart makes a new container of the same image.
		before := d.life(name + "-1")
		in.must("POST", "/apps/"+name+"/restart", nil)
		await(t, "a new container", func() error {
			if _, err := get(port); err != nil {
				return err
			}
			if d.containers()[name+"-1"].ID == before.id {
				return errStill
			}
			return nil
		})
		// More containers, each on its own port; then fewer.
		in.must("PUT", "/apps/"+name+"/update", fields{"containers_per": fields{"server": 3}})
		d.awaitCount(4)
		in.awaitAnswer(port+2, "good morning v2")
		in.must("PUT", "/apps/"+name+"/update", fields{"containers_per": fields{"server": 1}})
		d.awaitCount(2)
		// Stop and start.
		in.must("POST", "/apps/"+name+"/stop", nil)
		d.awaitCount(1)
		in.must("POST", "/apps/"+name+"/start", nil)
		in.awaitAnswer(port, "good morning v2")
		// Out of the group.
		in.must("PUT", "/device_groups/shops/update", fields{"apps": []string{other}})
		d.awaitCount(1)
		if now := d.life(other + "-1"); now != untouched {
			t.Errorf("the other app's container was touched: %+v, was %+v", now, untouched)
		}
		// Deleting the group by mistake stops nothing, and making it again goes on.
		in.must("DELETE", "/device_groups/shops", nil)
		in.must("POST", "/device_groups/shops", fields{"apps": []string{other, name}, "cron_jobs": []string{}})
		in.awaitAnswer(port, "good morning v2")
		if now := d.life(other + "-1"); now != untouched {
			t.Errorf("the other app's container was touched: %+v, was %+v", now, untouched)
		}
	})
}
