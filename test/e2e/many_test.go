package e2e

import (
	"fmt"
	"testing"

	"muster/test/rig"
)

// A group of 60 apps runs, and a change of one of them touches no other.
func TestSixtyApps(t *testing.T) {
	t.Parallel()
	const apps = 60
	in := installOwn(t, rig.EngineOptions{})
	image := in.registry.Push(t, "hello", rig.Hello{Version: "v1"})
	var names []string
	for i := range apps {
		names = append(names, fmt.Sprint("app", i))
		in.must("POST", "/apps/"+names[i], fields{"docker_image": image, "networks": []string{"none"}})
	}
	in.must("POST", "/device_groups/shops", fields{"apps": names, "cron_jobs": []string{}})
	d := in.newDevice("shops")
	d.start()
	for count := 10; count <= apps; count += 10 { // what 60 take together is no matter
		await(t, fmt.Sprint(count, " of the apps to run"), func() error {
			if have := len(d.containers()); have < count {
				return fmt.Errorf("there are %d", have)
			}
			return nil
		})
	}
	d.awaitCount(apps)
	before := map[string]life{}
	for _, name := range names {
		before[name] = d.life(name + "-1")
	}
	in.must("POST", "/apps/"+names[7]+"/restart", nil)
	await(t, "a new container of one app", func() error {
		if c := d.containers()[names[7]+"-1"]; c.ID == before[names[7]].id || c.State != "running" {
			return errStill
		}
		return nil
	})
	d.awaitCount(apps)
	for i, name := range names {
		if now := d.life(name + "-1"); (now == before[name]) != (i != 7) {
			t.Errorf("%s: was %+v, is %+v", name, before[name], now)
		}
	}
}
