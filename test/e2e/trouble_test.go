package e2e

import (
	"errors"
	"fmt"
	"net"
	"testing"

	"muster/test/rig"
	"muster/topics"
)

// Every app that cannot run has a reason of its own, none of them touches an app that can, and those that can be
// helped on the device run once they were.
func TestTroubleStaysWithItsApp(t *testing.T) {
	t.Parallel()
	in := installOwn(t, rig.EngineOptions{})
	image := in.registry.Push(t, "hello", rig.Hello{Version: "v1"})
	ends := in.registry.Push(t, "ends", rig.Hello{Version: "ends", Args: []string{"-exit", "3"}})
	deaf := in.registry.Push(t, "deaf", rig.Hello{Version: "deaf", Args: []string{"-ignore-term"}})
	port, taken, nobody := rig.FreePorts(t, 1), rig.FreePorts(t, 1), rig.FreePorts(t, 1)
	other, err := net.Listen("tcp", fmt.Sprint(":", taken))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	bad := map[string]struct {
		app  fields
		code topics.Reason
	}{
		"port":    {fields{"docker_image": image, "starting_ports": []any{fields{itoa(taken): "8080"}}}, topics.ReasonPortTaken},
		"volume":  {fields{"docker_image": image, "volumes": []string{"/nowhere/at/all:/data:ro"}}, topics.ReasonVolumeMissing},
		"device":  {fields{"docker_image": image, "devices": []string{"/dev/nowhere:/dev/x:rwm"}}, topics.ReasonDeviceMissing},
		"network": {fields{"docker_image": image, "networks": []string{"nowhere"}}, topics.ReasonNetworkMissing},
		"command": {fields{"docker_image": image, "entrypoint": []string{"/nowhere"}}, topics.ReasonCommandMissing},
		"image":   {fields{"docker_image": in.registry.Addr + "/nowhere:v1"}, topics.ReasonImageMissing},
		"down":    {fields{"docker_image": fmt.Sprintf("127.0.0.1:%d/hello:v1", nobody)}, topics.ReasonRegistryDown},
		"ends":    {fields{"docker_image": ends, "restart_policy": "no"}, topics.ReasonExited},
	}
	names := []string{"good", "deaf"}
	in.must("POST", "/apps/good", fields{"docker_image": image, "starting_ports": []any{fields{itoa(port): "8080"}}})
	in.must("POST", "/apps/deaf", fields{"docker_image": deaf, "stop_grace_seconds": 1})
	in.must("POST", "/device_groups/shops", fields{"apps": names, "cron_jobs": []string{}})
	d := in.newDevice("shops")
	statuses := in.subscribe(topics.DefaultRoot.Topic(topics.DeviceStatus, d.name))
	d.start()
	in.awaitAnswer(port, "hello v1")
	d.awaitCount(2)
	good, silent := d.life("good-1"), d.life("deaf-1")

	for name, b := range bad {
		in.must("POST", "/apps/"+name, b.app)
		names = append(names, name)
	}
	in.must("PUT", "/device_groups/shops/update", fields{"apps": names})
	seen := map[string]topics.Reason{} // an app may be on its way to another try when others are told of
	await(t, "each of them to fail for its reason", func() error {
		s, err := topics.ParseStatus([]byte(lastOf(statuses)))
		if err != nil {
			return err
		}
		for _, f := range s.Failing {
			if seen[f.App] != bad[f.App].code {
				seen[f.App] = f.Code
			}
		}
		for name, b := range bad {
			if seen[name] != b.code {
				return fmt.Errorf("%s fails with %q, want %q; failing are %+v", name, seen[name], b.code, s.Failing)
			}
		}
		return nil
	})
	if now := d.life("good-1"); now != good {
		t.Errorf("the app that can run was touched: %+v, was %+v", now, good)
	}
	if now := d.life("deaf-1"); now != silent {
		t.Errorf("the app that does not listen was touched: %+v, was %+v", now, silent)
	}

	_ = other.Close()
	in.must("PUT", "/device_groups/shops/update", fields{"apps": []string{"good", "port"}})
	in.awaitAnswer(taken, "hello v1")
	await(t, "the app that does not listen to go", func() error {
		if _, ok := d.containers()["deaf-1"]; ok {
			return errors.New("it is there")
		}
		return nil
	})
	d.awaitCount(2)
	if now := d.life("good-1"); now != good {
		t.Errorf("the app that can run was touched: %+v, was %+v", now, good)
	}
}
