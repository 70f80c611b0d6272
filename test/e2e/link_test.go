package e2e

import (
	"testing"

	"muster/test/rig"
)

// A link that is cut only delays a change.
func TestACutLinkOnlyDelays(t *testing.T) {
	forEachBroker(t, func(t *testing.T, in *installation) {
		image := in.registry.Push(t, "hello", rig.Hello{Version: "v1"})
		name, port := rig.Name("app"), rig.FreePorts(t, 1)
		in.must("POST", "/apps/"+name, fields{"docker_image": image, "starting_ports": []any{fields{itoa(port): "8080"}}})
		in.must("POST", "/device_groups/shops", fields{"apps": []string{name}, "cron_jobs": []string{}})

		link, err := rig.Toxiproxy(t).NewProxy(t.Context(), in.mqttAddr)
		if err != nil {
			t.Fatal(err)
		}
		d := in.newDevice("shops")
		d.broker = link.Addr
		d.start()
		in.awaitAnswer(port, "hello v1")

		for _, greeting := range []string{"one", "two", "three"} {
			if err := link.Disable(t.Context()); err != nil {
				t.Fatal(err)
			}
			in.must("PUT", "/apps/"+name+"/update", fields{"env_vars": fields{"GREETING": "lost"}})
			in.must("PUT", "/apps/"+name+"/update", fields{"env_vars": fields{"GREETING": greeting}})
			if err := link.Enable(t.Context()); err != nil {
				t.Fatal(err)
			}
			in.awaitAnswer(port, greeting+" v1")
		}
	})
}
