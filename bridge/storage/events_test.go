package storage_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/bridge/storage"
	"muster/manager/store"
	"muster/topics"
)

var received = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// base is a report of a device that runs web and clean.
const base = `{"device_group":"shops","boot":"b1","seq":5,"epoch":"01ARZ3NDEKTSV4RRFFQ69G5FAV","config_id":7,"phase":"settled","failing":[],
	"apps":[{"app":"web"},{"app":"db"}],"cron_jobs":[{"cron_job":"clean"}],"dropped":2,"boot_id":"k1","at":"2026-11-21T11:59:59Z"}`

// with is the base with other fields.
func with(t *testing.T, fields string) json.RawMessage {
	t.Helper()
	report := map[string]any{}
	for _, doc := range []string{base, fields} {
		if err := json.Unmarshal([]byte(doc), &report); err != nil {
			t.Fatal(err)
		}
	}
	doc, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestEvents(t *testing.T) {
	failing := func(code string) string {
		return fmt.Sprintf(`{"app":"web","code":%q,"reason":"it\n ends"}`, code)
	}
	tests := []struct {
		name, before, now string
		want              []string
	}{
		{"nothing", `{}`, `{}`, nil},
		{"a device that is new", "", `{}`, []string{"seen: the first report in device_group shops"}},
		{"new, in no group, failing, and in 1970", "", `{"device_group":null,"failing":[` + failing("exited") + `],"at":"1970-01-01T00:00:00Z"}`,
			[]string{"seen: the first report", "clock_off: the device's clock is 20778 days behind", "failing web: it ends"}},
		{"another config", `{}`, `{"config_id":8}`, []string{"applied: config 8 is applied, was 7"}},
		{"the first config", `{"epoch":"","config_id":0}`, `{}`, []string{"applied: config 7 is applied"}},
		{"no config any more", `{}`, `{"epoch":"","config_id":0}`, nil},
		{"a config of another store", `{}`, `{"epoch":"01BRZ3NDEKTSV4RRFFQ69G5FAV","config_id":1}`, []string{"applied: config 1 is applied, was 7"}},
		{"failing", `{}`, `{"failing":[` + failing("exited") + `]}`, []string{"failing web: it ends"}},
		{"still failing", `{"failing":[` + failing("exited") + `]}`, `{"failing":[{"app":"web","code":"exited","reason":"other words"}]}`, nil},
		{"failing otherwise", `{"failing":[` + failing("exited") + `]}`, `{"failing":[` + failing("unhealthy") + `]}`, []string{"failing web: it ends"}},
		{"failing without words", `{}`, `{"failing":[{"cron_job":"clean","code":"run_failed"}]}`, []string{"failing clean: run_failed"}},
		{"recovered", `{"failing":[` + failing("exited") + `]}`, `{}`, []string{"recovered web: runs as wanted again"}},
		{"perhaps recovered, at it", `{"failing":[` + failing("exited") + `]}`, `{"phase":"updating"}`, nil},
		{"perhaps recovered, just started", `{"failing":[` + failing("exited") + `]}`, `{"boot":"b2","seq":1}`, []string{"restarted: the worker was started anew"}},
		{"no longer wanted", `{"failing":[` + failing("exited") + `]}`, `{"apps":[{"app":"db"}]}`, nil},
		{"recovered, and left out", `{"failing":[` + failing("exited") + `]}`, `{"apps":[],"left_out":["apps"]}`, []string{"recovered web: runs as wanted again"}},
		{"a cron_job and an app of one name", `{"failing":[{"app":"clean","code":"x"}]}`, `{"failing":[{"cron_job":"clean","code":"x"}]}`, []string{"failing clean: x"}},
		{"the worker started anew", `{}`, `{"boot":"b2","seq":1}`, []string{"restarted: the worker was started anew"}},
		{"the device started anew", `{}`, `{"boot":"b2","seq":1,"boot_id":"k2"}`, []string{"restarted: the device was started anew, and its worker with it"}},
		{"a gap", `{}`, `{"seq":9}`, []string{"lost: 3 reports are missing, from 6 to 8"}},
		{"a gap after a start", `{}`, `{"boot":"b2","seq":3}`, []string{"restarted: the worker was started anew", "lost: 2 reports are missing, from 1 to 2"}},
		{"dropped", `{}`, `{"seq":9,"dropped":5}`, []string{"lost: 3 reports are missing, from 6 to 8: the device had no room for 3 reports while it was not connected"}},
		{"dropped, without a gap", `{}`, `{"seq":6,"dropped":3}`, []string{"lost: the device had no room for 1 reports while it was not connected"}},
		{"no boot and no seq", `{"boot":null,"seq":0}`, `{"boot":null,"seq":0}`, nil},
		{"a clock ahead", `{}`, `{"at":"2100-01-01T00:00:00Z"}`, []string{"clock_off: the device's clock is 26703 days ahead"}},
		{"a clock a little ahead", `{}`, `{"at":"2026-11-21T12:03:00.4Z"}`, []string{"clock_off: the device's clock is 3m0s ahead"}},
		{"still ahead", `{"at":"2100-01-01T00:00:00Z"}`, `{"at":"2100-01-01T00:05:00Z"}`, nil},
		{"ahead, then behind", `{"at":"2100-01-01T00:00:00Z"}`, `{"at":"1970-01-01T00:00:00Z"}`, []string{"clock_off: the device's clock is 20778 days behind"}},
		{"set right", `{"at":"1970-01-01T00:00:00Z"}`, `{}`, []string{"clock_set: the device's clock is right again"}},
		{"silent about the time", `{"at":"1970-01-01T00:00:00Z"}`, `{"at":"noon"}`, nil},
		{"waited for a connection", `{}`, `{"at":"2026-11-01T00:00:00Z"}`, nil},
		{"moved", `{}`, `{"device_group":"depots"}`, []string{"moved: now in device_group depots, was in device_group shops"}},
		{"moved from none", `{"device_group":7}`, `{}`, []string{"moved: now in device_group shops, was in none"}},
		{"no group any more", `{}`, `{"device_group":"no group"}`, nil},
		{"all at once", `{"failing":[` + failing("exited") + `]}`, `{"device_group":"depots","boot":"b2","seq":2,"config_id":8,"failing":[{"app":"db","code":"x","reason":"y"}]}`,
			[]string{"moved: now in device_group depots, was in device_group shops", "restarted: the worker was started anew", "lost: 1 reports are missing, from 1 to 1",
				"applied: config 8 is applied, was 7", "failing db: y"}},
		{"of odd types", `{"failing":"none","apps":7,"dropped":"many","boot_id":[],"at":{}}`, `{"failing":[7,{"app":7,"cron_job":"clean"},{}],"left_out":true}`,
			[]string{"lost: the device had no room for 2 reports while it was not connected", "failing clean: "}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var before store.Device
			if test.before != "" {
				before = device(t, with(t, test.before))
			}
			now := device(t, with(t, test.now))
			var got []string
			for _, e := range storage.Events(before, store.Sighting{Head: now.DeviceHead, Report: now.Report, Boot: now.Boot, Seq: now.Seq}) {
				if e.At != received {
					t.Errorf("%s at %v", e.Kind, e.At)
				}
				got = append(got, strings.TrimSpace(e.Kind+" "+e.App+e.CronJob)+": "+e.Text)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// device is a row with a report, with what stands beside it.
func device(t *testing.T, report json.RawMessage) store.Device {
	t.Helper()
	var beside struct {
		Boot string
		Seq  int64
	}
	if err := json.Unmarshal(report, &beside); err != nil {
		t.Fatal(err)
	}
	return store.Device{DeviceHead: store.DeviceHead{Reported: received}, Report: report, Boot: beside.Boot, Seq: max(beside.Seq, 0)}
}

// TestEventsAreBounded has a report that says as much as there is room for.
func TestEventsAreBounded(t *testing.T) {
	var all []topics.Failure
	for i := range 300 {
		all = append(all, topics.Failure{App: fmt.Sprint("app-", i), Reason: strings.Repeat("é\n", 100_000/300)})
	}
	doc, err := json.Marshal(map[string]any{"failing": all})
	if err != nil {
		t.Fatal(err)
	}
	got := storage.Events(store.Device{}, store.Sighting{Report: doc})
	if len(got) != 1+topics.MaxFailing {
		t.Errorf("%d events, want %d", len(got), 1+topics.MaxFailing)
	}
	for _, e := range got {
		if len([]rune(e.Text)) > topics.MaxReason || strings.Contains(e.Text, "\n") {
			t.Errorf("a text of %d bytes: %q", len(e.Text), e.Text)
		}
	}
}

// What failed before the worker was started anew, or before it tried again, has recovered only when it runs.
func TestRecoveredLater(t *testing.T) {
	const failing = `"failing":[{"app":"web","code":"exited","reason":"it ends"}]`
	var past []store.Event
	before, got := store.Device{}, []string(nil)
	for _, payload := range []string{
		`{"seq":1,` + failing + `}`, `{"seq":2,"phase":"updating"}`, `{"boot":"b2","seq":1}`, `{"boot":"b2","seq":2,"phase":"updating"}`,
		`{"boot":"b2","seq":3,"phase":"settled"}`, `{"boot":"b2","seq":4,"phase":"settled"}`,
	} {
		now := device(t, with(t, payload))
		before.Events = past
		for _, e := range storage.Events(before, store.Sighting{Head: now.DeviceHead, Report: now.Report, Boot: now.Boot, Seq: now.Seq}) {
			got, past = append(got, e.Kind), append([]store.Event{e}, past...)
		}
		before = now
	}
	if want := []string{"seen", "failing", "restarted", "recovered"}; !slices.Equal(got, want) {
		t.Errorf("the events are %v, want %v", got, want)
	}
}
