package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/docker/docker/api/types/container"

	"muster/test/rig"
)

// Options travel from REST to the container and away again, while an app without any keeps its container.
func TestOptionsReachTheContainers(t *testing.T) {
	in := install(t, nil)
	image := in.registry.Push(t, "hello", rig.Hello{Version: "v1"})
	name, port, plain := rig.Name("app"), rig.FreePorts(t, 1), rig.Name("plain")
	in.must("POST", "/apps/"+plain, fields{"docker_image": image})
	in.must("POST", "/apps/"+name, fields{"docker_image": image, "starting_ports": []any{fields{itoa(port): "8080"}}, "depends_on": []string{plain}})
	in.must("POST", "/device_groups/shops", fields{"apps": []string{name, plain}})
	d := in.newDevice("shops")
	d.start()
	in.awaitAnswer(port, "hello v1")
	untouched := d.life(plain + "-1")

	in.must("PUT", "/apps/"+name+"/update", fields{
		"command": []string{"-ignore-term"}, "user": "1234:1234", "memory_limit_mb": 64, "cpus": 0.5, "labels": fields{"team": "shops"},
		"log_max_mb": 2, "stop_grace_seconds": 1, "read_only": true, "cap_add": []string{"NET_ADMIN"}, "cap_drop": []string{"CHOWN"},
		"tmpfs": []string{"/run:size=1m"}, "extra_hosts": []string{"till:10.1.2.3"}, "restart_policy": "on-failure",
		"healthcheck": fields{"test": []string{"CMD", "/hello", "-check"}, "interval_seconds": 1},
	})
	d.awaitMade(name+"-1", func(c container.InspectResponse) error {
		switch h := c.HostConfig; {
		case c.Config.User != "1234:1234", !slices.Equal(c.Config.Cmd, []string{"-ignore-term"}), c.Config.Labels["team"] != "shops":
			return fmt.Errorf("settings %+v", c.Config)
		case *c.Config.StopTimeout != 1, c.State.Health == nil || c.State.Health.Status != "healthy":
			return fmt.Errorf("time to stop %d, state %+v", *c.Config.StopTimeout, c.State)
		case h.Memory != 64<<20, h.CPUQuota != 50_000, h.LogConfig.Config["max-size"] != "1000k", !h.ReadonlyRootfs, len(h.CapAdd)+len(h.CapDrop) != 2,
			h.Tmpfs["/run"] != "size=1m", !slices.Equal(h.ExtraHosts, []string{"till:10.1.2.3"}), h.RestartPolicy.Name != "on-failure":
			return fmt.Errorf("settings %+v", h)
		}
		return nil
	})
	in.awaitAnswer(port, "hello v1")

	in.must("POST", "/apps/"+name+"/update", fields{"docker_image": image, "starting_ports": []any{fields{itoa(port): "8080"}}})
	d.awaitMade(name+"-1", func(c container.InspectResponse) error {
		if c.HostConfig.Memory != 0 || c.State.Health != nil || !c.State.Running {
			return fmt.Errorf("memory limit %d, state %+v", c.HostConfig.Memory, c.State)
		}
		return nil
	})
	in.awaitAnswer(port, "hello v1")
	if now := d.life(plain + "-1"); now != untouched {
		t.Errorf("the other app's container was touched: %+v, was %+v", now, untouched)
	}
}

// awaitMade waits until there is a container of that name which is as it is to be.
func (d *device) awaitMade(name string, check func(container.InspectResponse) error) {
	d.in.t.Helper()
	await(d.in.t, name+" as it is to be", func() error {
		if _, there := d.containers()[name]; !there {
			return errors.New("there is none")
		}
		c, err := d.in.engine.ContainerInspect(context.Background(), name)
		if err != nil {
			return err
		}
		return check(c)
	})
}
