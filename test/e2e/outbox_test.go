package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/test/logs"
	"muster/test/rig"
	"muster/topics"
)

// What a device has to say while nobody hears it is said later, in order, also by workers that were killed meanwhile.
func TestReportsOfKilledWorkersArrive(t *testing.T) {
	in := install(t, nil)
	image := in.registry.Push(t, "hello", rig.Hello{Version: "v1"})
	name := rig.Name("app")
	in.must("POST", "/apps/"+name, fields{"docker_image": image})
	in.must("POST", "/device_groups/shops", fields{"apps": []string{name}, "cron_jobs": []string{}})
	d := in.newDevice("shops")
	d.start()
	d.awaitCount(1)
	await(t, "a device that has said all", func() error {
		if waiting := d.waiting(); len(waiting) > 0 || !strings.Contains(in.read(d.stateDir(), "report.json"), `"settled"`) {
			return errStill
		}
		return nil
	})

	d.worker.kill()
	d.broker = fmt.Sprintf("127.0.0.1:%d", rig.FreePorts(t, 1)) // nobody is there
	for range 2 {
		before := len(d.waiting())
		d.start()
		await(t, "reports of a new start that wait", func() error {
			if len(d.waiting()) < before+1 {
				return errStill
			}
			return nil
		})
		d.removeContainers()
		d.awaitCount(1)
		await(t, "reports of a change that wait", func() error {
			if len(d.waiting()) < before+2 {
				return errStill
			}
			return nil
		})
		d.worker.kill()
	}
	waiting := d.waiting()

	heard := in.subscribe(topics.DefaultRoot.Topic(topics.DeviceReport, d.name))
	d.broker = in.mqttAddr
	d.start()
	await(t, "all that waited", func() error {
		if got := reportIDs(t, heard); len(got) <= len(waiting) {
			return fmt.Errorf("heard are %v, want %v and one more", got, waiting)
		}
		return nil
	})
	got := reportIDs(t, heard)
	for i, want := range waiting {
		if got[i] != want {
			t.Fatalf("heard are %v, want %v first", got, waiting)
		}
	}
	await(t, "nothing that waits", func() error {
		if waiting := d.waiting(); len(waiting) > 0 {
			return fmt.Errorf("%v wait", waiting)
		}
		return nil
	})
}

// waiting are the ids of the reports in the device's outbox.
func (d *device) waiting() (ids []string) {
	d.in.t.Helper()
	files, err := filepath.Glob(filepath.Join(d.stateDir(), "outbox", "*.json"))
	if err != nil {
		d.in.t.Fatal(err)
	}
	for _, f := range files {
		payload, err := os.ReadFile(f)
		if os.IsNotExist(err) {
			continue // it has just left
		}
		report, parseErr := topics.ParseReport(payload)
		if err != nil || parseErr != nil {
			d.in.t.Fatalf("%s: %v, %v", f, err, parseErr)
		}
		ids = append(ids, report.ReportID)
	}
	return ids
}

// reportIDs are those that were heard, once each.
func reportIDs(t *testing.T, heard *logs.Buffer) (ids []string) {
	t.Helper()
	seen := map[string]bool{}
	for line := range strings.Lines(heard.String()) {
		if !strings.HasSuffix(line, "\n") {
			break // the rest is still to come
		}
		r, err := topics.ParseReport([]byte(line))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if !seen[r.ReportID] {
			seen[r.ReportID] = true
			ids = append(ids, r.ReportID)
		}
	}
	return ids
}
