package topics_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/topics"
)

// report is one of a device with that many apps of three containers, every fourth of them failing, and that many
// cron_jobs.
func report(apps, cronJobs int) topics.Report {
	r := topics.Report{
		Device: "till-1", DeviceGroup: "shops", Boot: "b", Seq: 7, ReportID: "b-7", Phase: topics.PhaseSettled, At: at,
		Version: topics.Version{Epoch: epoch1, ConfigID: 7}, Wanted: topics.Version{Epoch: epoch1, ConfigID: 7},
		Machine: topics.Machine{Hostname: "till-1.shop", Temperatures: map[string]float64{"cpu": 41.5}},
	}
	for i := range apps {
		a := topics.AppState{App: fmt.Sprintf("app-%d", i), AppID: 3, RunningID: 3, Phase: topics.PhaseSettled}
		if i%4 == 0 {
			a.Code, a.Reason = topics.ReasonExited, strings.Repeat("why ", topics.MaxReason)
			r.Failing = append(r.Failing, topics.Failure{App: a.App, Code: a.Code, Reason: a.Reason})
		}
		for n := range 3 {
			a.Containers = append(a.Containers, topics.ContainerState{
				Name: fmt.Sprintf("%s-%d", a.App, n+1), ID: strings.Repeat("a", 12), Image: "registry.example/shop/app:1.2.3", State: "running",
			})
		}
		r.Apps = append(r.Apps, a)
	}
	for i := range cronJobs {
		c := topics.CronJobState{CronJob: fmt.Sprintf("job-%d", i), Last: &topics.CronRun{Started: at, ExitCode: 1, Output: strings.Repeat("öut\n", topics.MaxOutput)}}
		c.Code, c.Reason = topics.ReasonRunFailed, "exit code 1"
		r.CronJobs = append(r.CronJobs, c)
	}
	return r
}

// A large report is made to fit by leaving out what matters least, and says what that was.
func TestReportIsMadeToFit(t *testing.T) {
	for _, tc := range []struct {
		apps, cronJobs int
		leftOut        []string
	}{
		{5, 2, nil},
		{60, 0, nil},
		{60, 20, []string{"long output"}},
		{60, 100, []string{"long output", "output"}},
		{160, 0, []string{"containers of apps that run as wanted"}},
		{160, 5, []string{"long output", "output", "containers of apps that run as wanted"}},
		{230, 0, []string{"containers of apps that run as wanted", "long reasons"}},
		{300, 0, []string{"containers of apps that run as wanted", "long reasons", "containers"}},
		{3000, 3000, []string{
			"long output", "output", "containers of apps that run as wanted", "long reasons", "containers", "failures",
			"what runs as wanted", "apps and cron_jobs",
		}},
	} {
		want := report(tc.apps, tc.cronJobs)
		before, _ := json.Marshal(want)
		payload, err := want.Encode()
		if err != nil || len(payload) > topics.MaxPayload {
			t.Fatalf("%d apps, %d cron_jobs: %d bytes, %v", tc.apps, tc.cronJobs, len(payload), err)
		}
		if after, _ := json.Marshal(want); string(before) != string(after) {
			t.Errorf("%d apps, %d cron_jobs: Encode changed the report", tc.apps, tc.cronJobs)
		}
		got, err := topics.ParseReport(payload)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.LeftOut, tc.leftOut) {
			t.Errorf("%d apps, %d cron_jobs: left out %q, want %q", tc.apps, tc.cronJobs, got.LeftOut, tc.leftOut)
		}
		if !slices.Contains(tc.leftOut, "apps and cron_jobs") && (len(got.Apps) != tc.apps || len(got.CronJobs) != tc.cronJobs || got.Apps[0].Code != topics.ReasonExited) {
			t.Errorf("%d apps, %d cron_jobs: %d and %d came through", tc.apps, tc.cronJobs, len(got.Apps), len(got.CronJobs))
		}
		if got.Hostname != want.Hostname || got.ReportCreationTime != at.Unix() || got.Failing[0].Reason == "" {
			t.Errorf("%s lacks what every report has", payload)
		}
	}
}

func TestReportTextsAreCut(t *testing.T) {
	r := report(1, 1)
	r.OS = strings.Repeat("ü", topics.MaxFact)
	r.Addresses = slices.Repeat([]string{"192.0.2.1"}, 50)
	r.Temperatures = map[string]float64{}
	for i := range 50 {
		r.Temperatures[fmt.Sprint(i)] = 1
	}
	payload, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := topics.ParseReport(payload)
	if err != nil {
		t.Fatal(err)
	}
	output := got.CronJobs[0].Last.Output
	if len(output) > topics.MaxOutput || !strings.HasSuffix(output, "öut\n") || len(got.Apps[0].Reason) > topics.MaxReason {
		t.Errorf("output of %d bytes, reason of %d", len(output), len(got.Apps[0].Reason))
	}
	if len(got.OS) > topics.MaxFact || len(got.Addresses) != topics.MaxFacts || len(got.Temperatures) != topics.MaxFacts {
		t.Errorf("an OS of %d bytes, %d addresses, %d temperatures", len(got.OS), len(got.Addresses), len(got.Temperatures))
	}
}

// People and programs read lists, so that there are lists where there is nothing.
func TestEmptyReport(t *testing.T) {
	payload, err := topics.Report{Device: "d", DeviceGroup: "g", Phase: topics.PhaseWaiting, At: time.Unix(0, 0)}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"device":"d","device_group":"g","epoch":"","config_id":0,"wanted":{"epoch":"","config_id":0},"phase":"waiting",` +
		`"failing":[],"apps":[],"cron_jobs":[],"updated":false,"report_creation_time":0,"at":"1970-01-01T00:00:00Z"}`
	if string(payload) != want {
		t.Errorf("%s\nwant\n%s", payload, want)
	}
}

func TestReportIsRefused(t *testing.T) {
	bad := bad(t)
	for _, tc := range []struct{ doc, field string }{
		{`x`, "payload"},
		{`{}`, "device"},
		{`{"device":"d","phase":"settled"}`, "device_group"},
		{`{"device":"a/b","device_group":"g","phase":"settled"}`, "device"},
		{`{"device":"d","device_group":"g"}`, "phase"},
		{`{"device":"d","device_group":"g","phase":"settled","epoch":"x"}`, "epoch"},
		{`{"device":"d","device_group":"g","phase":"settled","wanted":{"epoch":"x","config_id":1}}`, "wanted.epoch"},
		{`{"device":"d","device_group":"g","phase":"settled","seq":-1}`, "seq"},
		{`{"device":"d","device_group":"g","phase":"settled","boot":"` + strings.Repeat("b", 65) + `"}`, "boot"},
		{`{"device":"d","device_group":"g","phase":"settled","apps":[{"app":"a/b"}]}`, "apps[0].app"},
		{`{"device":"d","device_group":"g","phase":"settled","apps":[{"app":"a","app_id":-1}]}`, "apps[0].app_id"},
		{`{"device":"d","device_group":"g","phase":"settled","cron_jobs":[{"cron_job":""}]}`, "cron_jobs[0].cron_job"},
		{`{"device":"d","device_group":"g","phase":"settled","failing":[{"reason":"x"}]}`, "failing[0]"},
		{`{"device":"d","device_group":"g","phase":"settled","uptime_seconds":-1}`, "uptime_seconds"},
		{`{"device":"d","device_group":"g","phase":"settled","os":"` + strings.Repeat("o", 101) + `"}`, "os"},
		{`{"device":"d","device_group":"g","phase":"settled","addresses":["` + strings.Repeat(`1","`, 17) + `"]}`, "addresses"},
		{`{"device":"d","device_group":"g","phase":"settled","at":"yesterday"}`, "at"},
		{`{"device":"d","device_group":"g","phase":"settled","os":"` + strings.Repeat("o", topics.MaxPayload) + `"}`, "payload"},
	} {
		_, err := topics.ParseReport([]byte(tc.doc))
		bad(err, tc.field)
	}
}
