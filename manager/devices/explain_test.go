package devices

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/manager/fleet"
	"muster/manager/store"
	"muster/topics"
)

// What a person is told of an app, in every state of its device.
func TestWhyAnAppDoesNotRun(t *testing.T) {
	config := topics.Config{Version: topics.Version{Epoch: epoch1, ConfigID: 5}}
	config.Apps = []topics.App{{AppName: "web", AppID: 4}}
	next := now.Add(time.Minute)
	running := topics.AppState{App: "web", AppID: 4, RunningID: 4, Phase: topics.PhaseSettled}
	failing := topics.AppState{App: "web", AppID: 4, RunningID: 3, Phase: topics.PhaseSettled, Code: topics.ReasonImageMissing, Reason: "not found", Next: &next}
	older := topics.AppState{App: "web", AppID: 3, RunningID: 3, Phase: topics.PhaseSettled}
	at := func(id int64) topics.Version { return topics.Version{Epoch: epoch1, ConfigID: id} }
	on := func(applied int64, phase string) fleet.Device {
		return fleet.Device{Online: true, Applied: at(applied), Wanted: at(5), Behind: applied != 5, Phase: phase}
	}
	off := func(applied int64) fleet.Device {
		d := on(applied, topics.PhaseSettled)
		d.Online = false
		return d
	}
	ill := func(d fleet.Device) fleet.Device {
		d.Failing = []topics.Failure{{App: "db", Reason: "no"}, {CronJob: "web", Reason: "no"}, {App: "web", Code: topics.ReasonPortTaken, Reason: "taken"}}
		return d
	}
	pulling := on(4, topics.PhaseUpdating)
	pulling.Pulls = []topics.Progress{{App: "db", Total: 9e6}, {App: "web", Done: 3e6, Total: 12e6}}

	for name, tc := range map[string]struct {
		device  fleet.Device
		said    *topics.AppState
		leftOut string
		want    fleet.App
	}{
		"runs":                        {on(5, topics.PhaseSettled), &running, "", fleet.App{WantedID: 4, RunningID: 4, Phase: topics.PhaseSettled}},
		"fails":                       {on(5, topics.PhaseSettled), &failing, "", fleet.App{WantedID: 4, RunningID: 3, Phase: topics.PhaseSettled, Code: failing.Code, Reason: "not found", Next: &next}},
		"runs, offline":               {off(5), &running, "", fleet.App{WantedID: 4, RunningID: 4, Phase: topics.PhaseSettled}},
		"fails, offline":              {off(5), &failing, "", fleet.App{WantedID: 4, RunningID: 3, Phase: topics.PhaseSettled, Code: failing.Code, Reason: "the device is not connected since 2026-11-20 09:00:00 UTC; it last said: not found"}},
		"behind, offline":             {off(4), &older, "", fleet.App{WantedID: 4, RunningID: 3, Phase: fleet.PhaseBehind, Reason: "the device is not connected since 2026-11-20 09:00:00 UTC and hears of config 5 when it is back; it has applied config 4"}},
		"behind":                      {on(4, topics.PhaseSettled), &older, "", fleet.App{WantedID: 4, RunningID: 3, Phase: fleet.PhaseBehind, Reason: "the device is connected and has applied config 4; it has not taken config 5 yet"}},
		"behind, but not in this app": {on(4, topics.PhaseSettled), &running, "", fleet.App{WantedID: 4, RunningID: 4, Phase: topics.PhaseSettled}},
		"updating":                    {on(4, topics.PhaseUpdating), &older, "", fleet.App{WantedID: 4, RunningID: 3, Phase: topics.PhaseUpdating, Reason: "the device is updating from config 4 to config 5, and has not said how far this app is"}},
		"pulling":                     {pulling, &older, "", fleet.App{WantedID: 4, RunningID: 3, Phase: topics.PhaseUpdating, Reason: "the device is fetching the image: 3 of 12 MB"}},
		"report is late":              {on(5, topics.PhaseSettled), &older, "", fleet.App{WantedID: 4, RunningID: 3, Phase: topics.PhaseSettled, Reason: "the device has applied config 5; its report of that has not come yet"}},
		"never reported":              {on(5, topics.PhaseSettled), nil, "", fleet.App{WantedID: 4, Phase: topics.PhaseSettled, Reason: "the device has not reported yet what it runs"}},
		"no room in report":           {on(5, topics.PhaseSettled), nil, "apps", fleet.App{WantedID: 4, Phase: topics.PhaseSettled, Reason: "the device's report has no room for this app; left out: apps"}},
		"fails, not reported yet":     {ill(on(5, topics.PhaseSettled)), nil, "", fleet.App{WantedID: 4, Phase: topics.PhaseSettled, Code: topics.ReasonPortTaken, Reason: "taken"}},
		"fails since the report":      {ill(on(5, topics.PhaseSettled)), &running, "", fleet.App{WantedID: 4, RunningID: 4, Phase: topics.PhaseSettled, Code: topics.ReasonPortTaken, Reason: "taken"}},
		"fails while updating":        {ill(on(4, topics.PhaseUpdating)), &older, "", fleet.App{WantedID: 4, RunningID: 3, Phase: topics.PhaseUpdating, Code: topics.ReasonPortTaken, Reason: "taken"}},
		"failed before the change":    {ill(on(4, topics.PhaseSettled)), &older, "", fleet.App{WantedID: 4, RunningID: 3, Phase: fleet.PhaseBehind, Reason: "the device is connected and has applied config 4; it has not taken config 5 yet"}},
		"failed, and was lost":        {ill(off(5)), &running, "", fleet.App{WantedID: 4, RunningID: 4, Phase: topics.PhaseSettled, Code: topics.ReasonPortTaken, Reason: "the device is not connected since 2026-11-20 09:00:00 UTC; it last said: taken"}},
		"store behind":                {on(6, topics.PhaseSettled), &older, "", fleet.App{WantedID: 4, RunningID: 3, Phase: topics.PhaseSettled, Reason: "the device has applied config 6, which is newer than the managers' config 5: the store is from an old backup"}},
	} {
		e := explanation{device: tc.device, since: &now, received: now}
		if tc.said != nil {
			e.reported, e.report.Apps = true, []topics.AppState{*tc.said}
		}
		if tc.leftOut != "" {
			e.reported, e.report.LeftOut = true, []string{tc.leftOut}
		}
		tc.want.App, tc.want.Containers = "web", []topics.ContainerState{}
		if diff := cmp.Diff([]fleet.App{tc.want}, e.apps(config)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// An app that is not in the config is told too, after those that are.
func TestAppsThatAreNotWanted(t *testing.T) {
	e := explanation{device: fleet.Device{Online: true}, reported: true}
	e.report.Apps = []topics.AppState{{App: "old", RunningID: 2, Phase: topics.PhaseUpdating}, {App: ""}}
	got := e.apps(topics.Config{})
	if len(got) != 1 || got[0].App != "old" || got[0].WantedID != 0 || got[0].RunningID != 2 || !strings.Contains(got[0].Reason, "not in the config") {
		t.Errorf("%+v", got)
	}
}

// A report is shown as far as it makes sense, and never holds up what else is known.
func TestReportsThatMakeNoSense(t *testing.T) {
	for payload, want := range map[string]fleet.LastReport{
		`{"report_id": "b-7", "at": "1970-01-01T00:00:00Z"}`:          {ReportID: "b-7", ClockOff: -now.Sub(time.Unix(0, 0)).Seconds()},
		`{"report_id": 7, "apps": 3, "at": "2026-11-20T09:00:02.5Z"}`: {ClockOff: 2.5},
		`{"at": "yesterday"}`: {},
		`{"dropped": 3, "cron_jobs": [{"cron_job": 4}], "os": ["Linux"]}`: {Dropped: 3},
		`[]`: {},
	} {
		row := store.Device{DeviceHead: store.DeviceHead{Device: "d", Reported: now}, Report: json.RawMessage(payload)}
		d := detail(live{Device: fleet.Device{Device: "d"}}, row, topics.Config{})
		if d.LastReport == nil {
			t.Fatalf("%s: there is no last report", payload)
		}
		got := *d.LastReport
		want.Received, want.At = now, got.At
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", payload, diff)
		}
		if _, err := json.Marshal(d); err != nil {
			t.Errorf("%s: %v", payload, err)
		}
	}
}
