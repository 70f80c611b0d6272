package admin_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"muster/manager/store"
)

func TestCronJobs(t *testing.T) {
	shops(t)
	muster(t, "get", "cron-jobs").want(t, 0, ""+
		"NAME     SCHEDULE   IMAGE     RUNNING  CRON_JOB_ID\n"+
		"nightly  0 3 * * *  backup:2  yes      1\n", "")
	if r := muster(t, "describe", "cron_job", "nightly"); r.code != 0 || !strings.HasSuffix(r.stdout, "device_groups:\n  - shops\n") || !strings.Contains(r.stdout, "schedule: 0 3 * * *\n") {
		t.Errorf("%+v", r)
	}
	muster(t, "delete", "cron_job", "nightly").want(t, 0, "cron_job \"nightly\" deleted\n", "")
}

func TestPrune(t *testing.T) {
	shops(t)
	muster(t, "prune", "shops", "none").want(t, 1, "device_group \"shops\" pruned (prune_id 2)\n", "muster: device_group \"none\" does not exist\n")
	muster(t, "prune", "--all").want(t, 0, "device_group \"lab\" pruned (prune_id 2)\ndevice_group \"shops\" pruned (prune_id 3)\n", "")
}

func TestConfigs(t *testing.T) {
	shops(t)
	muster(t, "get", "configs", "lab").want(t, 0, "CONFIG_ID  ISSUED_AT  BY  SHA256  EPOCH\n", "")
	muster(t, "get", "configs", "none").want(t, 1, "", "muster: device_group \"none\" does not exist\n")
	for range 3 { // each is a config as soon as somebody looks at it
		if r := muster(t, "describe", "config", "shops"); r.code != 0 || !strings.Contains(r.stdout, "device_group: shops\n") {
			t.Fatalf("%+v", r)
		}
		if r := muster(t, "prune", "shops"); r.code != 0 {
			t.Fatalf("%+v", r)
		}
	}
	var configs []struct {
		ConfigID int64 `json:"config_id"`
	}
	r := muster(t, "get", "configs", "shops", "-o", "json")
	if err := json.Unmarshal([]byte(r.stdout), &configs); err != nil || len(configs) != 3 || configs[0].ConfigID != 3 || configs[2].ConfigID != 1 {
		t.Errorf("%v, %+v", err, r)
	}
	if r := muster(t, "get", "configs", "shops", "--limit", "2"); strings.Count(r.stdout, "\n") != 3 || !strings.Contains(r.stdout, "\n3 ") || strings.Contains(r.stdout, "\n1 ") {
		t.Errorf("%+v", r)
	}
	if r := muster(t, "describe", "config", "shops", "1", "-o", "json"); !strings.Contains(r.stdout, `"config_id": 1,`) || !strings.Contains(r.stdout, `"prune_id": 1,`) {
		t.Errorf("%+v", r)
	}
	if r := muster(t, "describe", "device_group", "shops"); !strings.Contains(r.stdout, "latest_config:\n  config_id: 3\n") {
		t.Errorf("%+v", r)
	}
	muster(t, "describe", "config", "shops", "9").want(t, 1, "", "muster: device_group \"shops\" has no such config\n")
	if r := muster(t, "__complete", "describe", "config", "shops", ""); !strings.HasPrefix(r.stdout, "3\n2\n1\n:4") {
		t.Errorf("completion: %+v", r)
	}
}

func TestReports(t *testing.T) {
	server := manager(t)
	now := time.Now().Unix()
	var reports []store.Report
	for i := range 250 { // several pages
		reports = append(reports, store.Report{ID: fmt.Sprintf("%024x", i), Doc: json.RawMessage(fmt.Sprintf(
			`{"hostname": "till-%03d", "device_group": "g%d", "report_creation_time": %d, "updated": true, "cpu_usage": {"cores": 2, "used_percent": 12.4},
			  "memory_usage": {"total": 2000, "used": 512.6}, "root_disk_usage": {"total": 30000, "used": 100}, "apps_containers": [{}, {}], "cron_jobs_containers": [{}]}`,
			i, i%2, now))})
	}
	reports = append(reports,
		store.Report{ID: strings.Repeat("a", 24), Doc: json.RawMessage(fmt.Sprintf(`{"hostname": "old", "report_creation_time": %d}`, now-7200))},
		store.Report{ID: strings.Repeat("b", 24), Doc: json.RawMessage(fmt.Sprintf(`{"hostname": "odd\u001b[2J", "report_creation_time": %d, "memory_usage": "?"}`, now))})
	if err := server.Store.Reports().Add(t.Context(), reports); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(now, 0).UTC().Format(time.RFC3339)
	muster(t, "get", "reports", "--hostname", "till-007").want(t, 0, ""+
		"TIME                  DEVICE    DEVICE_GROUP  UPDATED  CPU  MEMORY       DISK          CONTAINERS\n"+
		at+"  till-007  g1            yes      12%  513/2000 MB  100/30000 MB  3\n", "")
	for args, lines := range map[string]int{"": 100, "--limit 0": 251, "--limit 0 --since 3h": 252, "--limit 0 --device-group g1": 125, "--limit 3": 3} {
		r := muster(t, append([]string{"get", "reports"}, strings.Fields(args)...)...)
		if got := strings.Count(r.stdout, "\n") - 1; r.code != 0 || got != lines || strings.Contains(r.stdout, "\x1b") {
			t.Errorf("%s: %d lines, want %d: %s", args, got, lines, r.stderr)
		}
	}
	var docs []map[string]any
	r := muster(t, "get", "reports", "--hostname", "old", "--since", "3h", "-o", "json")
	if err := json.Unmarshal([]byte(r.stdout), &docs); err != nil || len(docs) != 1 || docs[0]["hostname"] != "old" {
		t.Errorf("%v, %+v", err, r)
	}
	muster(t, "get", "reports", "--hostname", "none", "-o", "json").want(t, 0, "[]\n", "")
}
