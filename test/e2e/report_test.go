package e2e

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"muster/test/rig"
	"muster/topics"
)

// A device's report is on the broker for whoever listens, and on the device itself without a manager.
func TestReportOfADevice(t *testing.T) {
	in := install(t, nil)
	image := in.registry.Push(t, "hello", rig.Hello{Version: "v1"})
	name := rig.Name("app")
	in.must("POST", "/apps/"+name, fields{"docker_image": image, "env_vars": fields{"TOKEN": "hush-hush"}})
	in.must("POST", "/device_groups/shops", fields{"apps": []string{name}, "cron_jobs": []string{}})
	d := in.newDevice("shops")
	reports := in.subscribe(topics.DefaultRoot.Topic(topics.DeviceReport, d.name))
	d.start("--report-interval", "3s", "--report-stats")
	var settled topics.Report
	await(t, "a report that all is well", func() error {
		r, err := topics.ParseReport([]byte(lastOf(reports)))
		if err != nil {
			return err
		}
		if r.Phase != topics.PhaseSettled || len(r.Apps) != 1 || r.Apps[0].RunningID != 1 || len(r.Failing) > 0 || len(r.AppsContainers) != 1 {
			return fmt.Errorf("it is %s: %+v, with stats of %d containers", r.Phase, r.Apps, len(r.AppsContainers))
		}
		settled = r
		return nil
	})
	if a := settled.Apps[0]; a.App != name || a.AppID != 1 || len(a.Containers) != 1 || a.Containers[0].Image != image || !strings.HasPrefix(d.life(name+"-1").id, a.Containers[0].ID) {
		t.Errorf("the app is %+v", a)
	}
	if stats := string(settled.AppsContainers[0]); !strings.Contains(stats, "memory_stats") || !strings.Contains(stats, d.life(name+"-1").id) {
		t.Errorf("the stats are %s", stats)
	}
	if settled.Device != d.name || settled.DeviceGroup != "shops" || settled.Engine == "" || settled.Kernel == "" || settled.Hostname == "" ||
		settled.MemoryUsage == nil || settled.CPUUsage == nil || settled.RootDiskUsage == nil || settled.ReportCreationTime == 0 {
		t.Errorf("the report is %s", lastOf(reports))
	}
	await(t, "another report without a change", func() error {
		if r, err := topics.ParseReport([]byte(lastOf(reports))); err != nil || r.Seq <= settled.Seq || r.Boot != settled.Boot {
			return errStill
		}
		return nil
	})
	if strings.Contains(reports.String(), "hush-hush") {
		t.Error("a report tells the value of an env_var")
	}

	in.manager.kill()
	out, err := exec.Command(rig.Build(t, "muster/cmd/muster-worker"), "status", "--state-dir", d.stateDir()).CombinedOutput()
	if err != nil || !strings.Contains(string(out), name) || !strings.Contains(string(out), "1 of 1 run") || strings.Contains(string(out), "hush-hush") {
		t.Errorf("%v\n%s", err, out)
	}
}
