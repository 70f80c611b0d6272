package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"muster/test/rig"
	"muster/topics"
)

// cronState is what the device's last report says of the cron_job; zero when it says nothing.
func cronState(t *testing.T, report, name string) (state topics.CronJobState) {
	t.Helper()
	var r topics.Report
	if report == "" {
		return state
	}
	if err := json.Unmarshal([]byte(report), &r); err != nil {
		t.Fatalf("%q: %v", report, err)
	}
	for _, s := range r.CronJobs {
		if s.CronJob == name {
			return s
		}
	}
	return state
}

// From REST to the report: one minute's wait shows runs that end well and badly, one that outlives a kill -9 of the
// worker, one that a stop ends, an app of the same name, and that the registry is not needed.
func TestCronJobs(t *testing.T) {
	in := install(t, nil)
	image := in.registry.Push(t, "job", rig.Hello{Version: "v1"})
	names := map[string]string{}
	var jobs []string
	for name, command := range map[string][]string{
		"good":    {"-exit", "0", "-say", "all swept\n", "-after", "1s"},
		"bad":     {"-exit", "7"},
		"long":    {"-exit", "0", "-say", "at last\n", "-after", "8s"},
		"stopped": {"-exit", "0", "-after", "1h"},
		"idle":    {"-exit", "0"},
	} {
		names[name] = rig.Name(name)
		jobs = append(jobs, names[name])
		schedule := "* * * * *"
		if name == "idle" {
			schedule = "@yearly"
		}
		in.must("POST", "/cron_jobs/"+names[name], fields{
			"docker_image": image, "schedule": schedule, "command": command, "networks": []string{"none"}, "stop_grace_seconds": 1,
		})
	}
	same := names["long"] // an app's name as well
	in.must("POST", "/apps/"+same, fields{"docker_image": image})
	in.must("POST", "/device_groups/shops", fields{"apps": []string{same}, "cron_jobs": jobs})
	d := in.newDevice("shops")
	reports := in.subscribe("muster/v1/devices/" + d.name + "/report")
	d.start()
	await(t, "the app", func() error {
		if c, ok := d.containers()[same+"-1"]; !ok || c.State != "running" {
			return fmt.Errorf("there are %v", d.containers())
		}
		return nil
	})
	app := d.life(same + "-1")

	long := names["long"] + ".cron"
	awaitFor(t, time.Minute+patience, "the next full minute's run", func() error {
		if c := d.containers(); c[long].State != "running" {
			return fmt.Errorf("there are %v", c)
		}
		return nil
	})
	run := d.life(long)
	d.worker.kill()
	d.start()
	in.must("PUT", "/cron_jobs/"+names["stopped"]+"/update", fields{"running": false})

	last := func(name string) *topics.CronRun { return cronState(t, lastOf(reports), names[name]).Last }
	await(t, "the reports of the runs", func() error {
		if last("good") == nil || last("bad") == nil || last("long") == nil {
			return fmt.Errorf("the last report is %s", lastOf(reports))
		}
		return nil
	})
	// The engine notes the start of a run a moment after its program has begun.
	if r := last("good"); r.ExitCode != 0 || r.Seconds < 0.5 || !strings.Contains(r.Output, "all swept\n") {
		t.Errorf("the good run went %+v", r)
	}
	if r := last("bad"); r.ExitCode != 7 || !strings.Contains(r.Output, "ending, as asked") {
		t.Errorf("the bad run went %+v", r)
	}
	if s := cronState(t, lastOf(reports), names["bad"]); s.Code != topics.ReasonRunFailed {
		t.Errorf("the bad cron_job is %+v", s)
	}
	if r := last("long"); r.Started.Format(time.RFC3339Nano) != run.startedAt || r.Seconds < 7 || !strings.Contains(r.Output, "at last\n") {
		t.Errorf("the run that outlived the worker went %+v, and began at %s", r, run.startedAt)
	}
	if s := cronState(t, lastOf(reports), names["idle"]); s.Next == nil || s.Next.YearDay() > 2 || s.Last != nil {
		t.Errorf("the idle cron_job is %+v", s)
	}
	await(t, "all runs to be cleaned up", func() error {
		for name := range d.containers() {
			if strings.HasPrefix(name, names["stopped"]) || strings.HasPrefix(name, long) {
				return fmt.Errorf("there is still %s", name)
			}
		}
		return nil
	})
	if last("stopped") != nil {
		t.Errorf("the run that was stopped is recorded: %+v", last("stopped"))
	}
	if now := d.life(same + "-1"); now != app {
		t.Errorf("the app of the same name was touched: %+v, was %+v", now, app)
	}
}
