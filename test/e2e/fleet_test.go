package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"muster/test/logs"
	"muster/test/rig"
	"muster/topics"
)

// An app that cannot run is an app's own trouble: the others run, and who looks on can read which one fails and
// why, on the device and in its group.
func TestAFailingAppIsShown(t *testing.T) {
	in := install(t, nil)
	image := in.registry.Push(t, "hello", rig.Hello{Version: "v1"})
	missing := strings.Replace(image, "/hello", "/missing", 1)
	good, bad, port := rig.Name("good"), rig.Name("bad"), rig.FreePorts(t, 1)
	in.must("POST", "/apps/"+bad, fields{"docker_image": missing})
	in.must("POST", "/apps/"+good, fields{"docker_image": image, "starting_ports": []any{fields{itoa(port): "8080"}}})
	in.must("POST", "/device_groups/shops", fields{"apps": []string{bad, good}, "cron_jobs": []string{}})
	d := in.newDevice("shops")
	statuses := in.subscribe(topics.DefaultRoot.Topic(topics.DeviceStatus, d.name))
	summaries := in.subscribe(topics.DefaultRoot.Topic(topics.GroupSummary, "shops"))
	d.start()
	in.awaitAnswer(port, "hello v1")
	awaitFailing(t, statuses, bad, missing)
	awaitFailingCount(t, summaries, map[string]int64{bad: 1})
	untouched := d.life(good + "-1")

	// It runs once its image can be had, and nobody is told any more that it fails.
	in.must("PUT", "/apps/"+bad+"/update", fields{"docker_image": image})
	d.awaitCount(2)
	awaitFailing(t, statuses, "", "")
	awaitFailingCount(t, summaries, map[string]int64{})
	if now := d.life(good + "-1"); now != untouched {
		t.Errorf("the other app's container was touched: %+v, was %+v", now, untouched)
	}
}

// Several devices may share a machine, for trying things out: each cares for its own containers only, and is told
// what it cannot have because of another.
func TestDevicesOnOneMachine(t *testing.T) {
	in := install(t, nil)
	image := in.registry.Push(t, "hello", rig.Hello{Version: "v1"})
	port := rig.FreePorts(t, 2)
	apps := map[string]string{"shops": rig.Name("shop"), "tills": rig.Name("till")}
	ports := map[string]int{"shops": port, "tills": port + 1}
	devices := map[string]*device{}
	for group, app := range apps {
		in.must("POST", "/apps/"+app, fields{"docker_image": image, "starting_ports": []any{fields{itoa(ports[group]): "8080"}}})
		in.must("POST", "/device_groups/"+group, fields{"apps": []string{app}, "cron_jobs": []string{}})
		devices[group] = in.newDevice(group)
		devices[group].start()
	}
	in.awaitAnswer(port, "hello v1")
	in.awaitAnswer(port+1, "hello v1")
	untouched := devices["tills"].life(apps["tills"] + "-1")

	in.must("PUT", "/apps/"+apps["shops"]+"/update", fields{"env_vars": fields{"GREETING": "changed"}})
	in.awaitAnswer(port, "changed v1")
	if now := devices["tills"].life(apps["tills"] + "-1"); now != untouched {
		t.Errorf("the other device's container was touched: %+v, was %+v", now, untouched)
	}

	// Another device of the same group wants containers of the same names.
	second := in.newDevice("shops")
	statuses := in.subscribe(topics.DefaultRoot.Topic(topics.DeviceStatus, second.name))
	second.start()
	awaitFailing(t, statuses, apps["shops"], "taken by a container of device "+devices["shops"].name)
	in.awaitAnswer(port, "changed v1")
}

// awaitFailing waits until the last of the statuses is of an online device that has applied a config and names that
// app as the only one that fails, or none when app is empty, with a reason that contains words.
func awaitFailing(t *testing.T, statuses *logs.Buffer, app, words string) {
	t.Helper()
	await(t, "the status to name what fails", func() error {
		s, err := topics.ParseStatus([]byte(lastOf(statuses)))
		if err != nil {
			return err
		}
		if s.State != topics.Online || s.ConfigID == 0 {
			return fmt.Errorf("it is %s at config_id %d", s.State, s.ConfigID)
		}
		if app == "" && len(s.Failing) == 0 {
			return nil
		}
		if app == "" || len(s.Failing) != 1 || s.Failing[0].App != app || !strings.Contains(s.Failing[0].Reason, words) {
			return fmt.Errorf("failing are %+v", s.Failing)
		}
		return nil
	})
}

// awaitFailingCount waits until the last of the summaries counts one device, online, at the config that is wanted,
// with these apps failing.
func awaitFailingCount(t *testing.T, summaries *logs.Buffer, want map[string]int64) {
	t.Helper()
	await(t, "the summary to count what fails", func() error {
		s, err := topics.ParseSummary([]byte(lastOf(summaries)))
		if err != nil {
			return err
		}
		if s.Devices != 1 || s.Online != 1 || s.Current != 1 || int(s.Failing) != len(want) || fmt.Sprint(s.FailingApps) != fmt.Sprint(want) {
			return errors.New(lastOf(summaries))
		}
		return nil
	})
}

// lastOf is the last line.
func lastOf(log *logs.Buffer) string {
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	return lines[len(lines)-1]
}
