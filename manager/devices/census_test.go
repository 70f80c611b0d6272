package devices

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/manager/store"
	"muster/topics"
)

const (
	epoch1 = "01J00000000000000000000001"
	epoch2 = "01J00000000000000000000002"
)

func status(state string, session int64, group string, configID int64, failing ...string) topics.Status {
	s := topics.Status{State: state, Session: session, DeviceGroup: group}
	if configID > 0 {
		s.Version = topics.Version{Epoch: epoch1, ConfigID: configID}
	}
	for _, app := range failing {
		s.Failing = append(s.Failing, topics.Failure{App: app, Reason: "no such image"})
	}
	return s
}

func TestSessions(t *testing.T) {
	const on, off = topics.Online, topics.Offline
	tests := []struct {
		name     string
		statuses []topics.Status
		outcome  outcome // of the last
		online   int64
	}{
		{"first online", []topics.Status{status(on, 1, "g", 1)}, counted, 1},
		{"first offline", []topics.Status{status(off, 1, "g", 1)}, counted, 0},
		{"will of this session", []topics.Status{status(on, 1, "g", 1), status(off, 1, "g", 1)}, counted, 0},
		{"will of the session before, late", []topics.Status{status(on, 2, "g", 1), status(off, 1, "g", 1)}, late, 1},
		{"will before its session is known", []topics.Status{status(on, 1, "g", 1), status(off, 2, "g", 1)}, counted, 0},
		{"online after its own will", []topics.Status{status(off, 2, "g", 1), status(on, 2, "g", 1)}, late, 0},
		{"change within a session", []topics.Status{status(on, 2, "g", 1), status(on, 2, "g", 2)}, counted, 1},
		{"next session", []topics.Status{status(off, 2, "g", 1), status(on, 3, "g", 1)}, counted, 1},
		{"device lost its count while offline", []topics.Status{status(off, 7, "g", 1), status(on, 1, "g", 1)}, counted, 1},
		{"device lost its count while online", []topics.Status{status(on, 7, "g", 1), status(on, 1, "g", 1)}, counted, 1},
		{"will after the count was lost", []topics.Status{status(on, 7, "g", 1), status(on, 1, "g", 1), status(off, 1, "g", 1)}, counted, 0},
		{"offline twice", []topics.Status{status(off, 2, "g", 1), status(off, 2, "g", 1)}, counted, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := newCensus()
			var outcome outcome
			for _, s := range test.statuses {
				outcome = c.apply("d", s, now)
			}
			got := c.of("g", topics.Version{})
			if outcome != test.outcome || got.Online != test.online || got.Devices != 1 {
				t.Errorf("outcome %v, online %d, devices %d; want %v, %d, 1", outcome, got.Online, got.Devices, test.outcome, test.online)
			}
		})
	}
}

// wishes are the configs that are wanted, by device_group.
type wishes map[string]topics.Version

func (w wishes) Groups() []string { return slices.Collect(maps.Keys(w)) }

func (w wishes) Latest(group string) (store.Snapshot, bool) {
	v, ok := w[group]
	return store.Snapshot{Head: store.Head{DeviceGroup: group, Version: v}}, ok
}

// now is when tests say that something was heard.
var now = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

// of counts a group's devices.
func (c *census) of(group string, wanted topics.Version) topics.Summary {
	f := New(nil, nil, wishes{group: wanted}, Options{})
	f.census = c
	return f.Summary(group, false)
}

func TestSummaries(t *testing.T) {
	wanted := topics.Version{Epoch: epoch1, ConfigID: 3}
	f := New(nil, nil, wishes{"a": wanted}, Options{})
	c := f.census
	c.apply("d1", status(topics.Online, 1, "a", 3), now)
	c.apply("d2", status(topics.Online, 1, "a", 3, "web", "db", "web"), now)
	updating := status(topics.Online, 1, "a", 2, "web")
	updating.Phase = topics.PhaseUpdating
	c.apply("d3", updating, now)
	c.apply("d4", status(topics.Online, 1, "a", 0), now)
	c.apply("d5", status(topics.Offline, 1, "a", 3, "web"), now)
	c.apply("d6", status(topics.Online, 1, "b", 3), now)
	c.head(store.DeviceHead{Device: "d8", DeviceGroup: "a", Version: wanted, Reported: now})
	other := status(topics.Online, 1, "a", 3)
	other.Epoch = epoch2
	c.apply("d7", other, now)

	want := topics.Summary{
		DeviceGroup: "a", Wanted: wanted,
		Devices: 7, Online: 5, Offline: 2, Current: 2, Behind: 3, Updating: 1, Failing: 2, StoreBehind: 1,
		ConfigIDs:   map[string]int64{"0": 1, "2": 1, "3": 3},
		FailingApps: map[string]int64{"web": 2, "db": 1},
	}
	if diff := cmp.Diff(want, f.Summary("a", true)); diff != "" {
		t.Errorf("group a (-want +got):\n%s", diff)
	}
	want = topics.Summary{
		Devices: 8, Online: 6, Offline: 2, Current: 2, Behind: 3, Updating: 1, Failing: 2, StoreBehind: 2,
		FailingApps: map[string]int64{"web": 2, "db": 1},
	}
	if diff := cmp.Diff(want, f.SummaryOfAll(2)); diff != "" {
		t.Errorf("fleet (-want +got):\n%s", diff)
	}
	// Where no config is wanted nobody is at it, and nobody behind.
	if got := f.Summary("b", false); got.Current+got.Behind != 0 || got.Online != 1 {
		t.Errorf("%+v with no config wanted", got)
	}
}

func TestMoveBetweenGroupsAndForget(t *testing.T) {
	c := newCensus()
	c.apply("d", status(topics.Online, 1, "a", 1, "web"), now)
	c.apply("d", status(topics.Online, 1, "b", 1), now)
	count := func(group string) int64 { return c.of(group, topics.Version{}).Devices }
	if a, b := count("a"), count("b"); a != 0 || b != 1 {
		t.Errorf("devices in a, b: %d, %d; want 0, 1", a, b)
	}
	c.forget("d", now)
	c.forget("never seen", now)
	if len(c.devices)+len(c.groups)+len(c.all.apps)+len(c.all.versions) != 0 {
		t.Errorf("something is left of a forgotten device: %+v", c)
	}
}

// A failing cron_job, and a worker in trouble, make a device fail, but are no apps.
func TestWhatFailsNeedNotBeAnApp(t *testing.T) {
	c := newCensus()
	for device, failure := range map[string]topics.Failure{"d": {CronJob: "night"}, "e": {App: "(worker)"}} {
		s := status(topics.Online, 1, "g", 1)
		s.Failing = []topics.Failure{failure}
		c.apply(device, s, now)
	}
	c.apply("well", status(topics.Online, 1, "g", 1), now)
	if s := c.of("g", topics.Version{}); s.Failing != 2 || len(s.FailingApps) != 0 {
		t.Errorf("%d devices fail, with the apps %v", s.Failing, s.FailingApps)
	}
	c.apply("d", status(topics.Online, 1, "g", 1), now)
	if s := c.of("g", topics.Version{}); s.Failing != 1 {
		t.Errorf("%d devices fail when one has recovered", s.Failing)
	}
}

func TestWhatDevicesSayIsBounded(t *testing.T) {
	c := newCensus()
	s := status(topics.Online, 1, "g", 1, "../../etc", "")
	for i := range 2 * topics.MaxFailing {
		s.Failing = append(s.Failing, topics.Failure{App: fmt.Sprintf("app-%d", i)})
	}
	c.apply("d", s, now)
	if got := len(c.of("g", topics.Version{}).FailingApps); got != topics.MaxFailing-2 {
		t.Errorf("%d failing apps are counted, want the first %d less two that are no app names", got, topics.MaxFailing)
	}
	for i := range int64(3 * MaxListed) {
		c.apply("e"+strconv.FormatInt(i, 10), status(topics.Online, 1, "g", i+10), now)
	}
	c.apply("f", status(topics.Online, 1, "g", 300), now)
	ids := c.of("g", topics.Version{}).ConfigIDs
	if len(ids) != MaxListed || ids["300"] != 2 {
		t.Errorf("%d config_ids are listed, want %d with the highest count among them: %v", len(ids), MaxListed, ids)
	}
}

func TestFullCensusKeepsCounting(t *testing.T) {
	c := newCensus()
	if c.limit != MaxDevices {
		t.Errorf("the limit is %d, want %d", c.limit, MaxDevices)
	}
	c.limit = 2
	c.apply("d1", status(topics.Online, 1, "g", 1), now)
	c.apply("d2", status(topics.Online, 1, "g", 1), now)
	if got := c.apply("d3", status(topics.Online, 1, "g", 1), now); got != full {
		t.Errorf("outcome %v for a device too many, want %v", got, full)
	}
	if got := c.apply("d2", status(topics.Online, 1, "g", 2), now); got != counted {
		t.Errorf("outcome %v for a known device, want %v", got, counted)
	}
	c.forget("d1", now)
	if got := c.apply("d3", status(topics.Online, 1, "g", 1), now); got != counted {
		t.Errorf("outcome %v for the last device that fits, want %v", got, counted)
	}
}
