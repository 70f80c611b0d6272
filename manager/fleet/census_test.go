package fleet

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

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
		outcome  Outcome // of the last
		online   int64
	}{
		{"first online", []topics.Status{status(on, 1, "g", 1)}, Counted, 1},
		{"first offline", []topics.Status{status(off, 1, "g", 1)}, Counted, 0},
		{"will of this session", []topics.Status{status(on, 1, "g", 1), status(off, 1, "g", 1)}, Counted, 0},
		{"will of the session before, late", []topics.Status{status(on, 2, "g", 1), status(off, 1, "g", 1)}, Late, 1},
		{"will before its session is known", []topics.Status{status(on, 1, "g", 1), status(off, 2, "g", 1)}, Counted, 0},
		{"online after its own will", []topics.Status{status(off, 2, "g", 1), status(on, 2, "g", 1)}, Late, 0},
		{"change within a session", []topics.Status{status(on, 2, "g", 1), status(on, 2, "g", 2)}, Counted, 1},
		{"next session", []topics.Status{status(off, 2, "g", 1), status(on, 3, "g", 1)}, Counted, 1},
		{"device lost its count while offline", []topics.Status{status(off, 7, "g", 1), status(on, 1, "g", 1)}, Counted, 1},
		{"device lost its count while online", []topics.Status{status(on, 7, "g", 1), status(on, 1, "g", 1)}, Counted, 1},
		{"will after the count was lost", []topics.Status{status(on, 7, "g", 1), status(on, 1, "g", 1), status(off, 1, "g", 1)}, Counted, 0},
		{"offline twice", []topics.Status{status(off, 2, "g", 1), status(off, 2, "g", 1)}, Counted, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := NewFleet()
			var outcome Outcome
			for _, s := range test.statuses {
				outcome = f.Apply("d", s)
			}
			got := f.Group("g", topics.Version{}, false)
			if outcome != test.outcome || got.Online != test.online || got.Devices != 1 {
				t.Errorf("outcome %v, online %d, devices %d; want %v, %d, 1", outcome, got.Online, got.Devices, test.outcome, test.online)
			}
		})
	}
}

func TestGroupAndAll(t *testing.T) {
	f := NewFleet()
	f.Apply("d1", status(topics.Online, 1, "a", 3))
	f.Apply("d2", status(topics.Online, 1, "a", 3, "web", "db", "web"))
	f.Apply("d3", status(topics.Online, 1, "a", 2, "web"))
	f.Apply("d4", status(topics.Online, 1, "a", 0))
	f.Apply("d5", status(topics.Offline, 1, "a", 3, "web"))
	f.Apply("d6", status(topics.Online, 1, "b", 3))
	other := status(topics.Online, 1, "a", 3)
	other.Epoch = epoch2
	f.Apply("d7", other)

	wanted := topics.Version{Epoch: epoch1, ConfigID: 3}
	want := topics.Summary{
		DeviceGroup: "a", Wanted: wanted,
		Devices: 6, Online: 5, Current: 2, Failing: 2, StoreBehind: 1,
		ConfigIDs:   map[string]int64{"0": 1, "2": 1, "3": 3},
		FailingApps: map[string]int64{"web": 2, "db": 1},
	}
	if diff := cmp.Diff(want, f.Group("a", wanted, true)); diff != "" {
		t.Errorf("group a (-want +got):\n%s", diff)
	}
	all := f.All(func(group string) topics.Version {
		if group == "a" {
			return wanted
		}
		return topics.Version{}
	}, 2)
	want = topics.Summary{
		Devices: 7, Online: 6, Current: 2, Failing: 2, StoreBehind: 2,
		FailingApps: map[string]int64{"web": 2, "db": 1},
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("fleet (-want +got):\n%s", diff)
	}
	// Nobody is current at "none": those without a config are not where they should be.
	if got := f.Group("a", topics.Version{}, false).Current; got != 0 {
		t.Errorf("%d devices are current with no config wanted", got)
	}
}

func TestMoveBetweenGroupsAndForget(t *testing.T) {
	f := NewFleet()
	f.Apply("d", status(topics.Online, 1, "a", 1, "web"))
	f.Apply("d", status(topics.Online, 1, "b", 1))
	count := func(group string) int64 { return f.Group(group, topics.Version{}, false).Devices }
	if a, b := count("a"), count("b"); a != 0 || b != 1 {
		t.Errorf("devices in a, b: %d, %d; want 0, 1", a, b)
	}
	f.Forget("d")
	f.Forget("never seen")
	if len(f.devices)+len(f.groups)+len(f.all.apps)+len(f.all.versions) != 0 {
		t.Errorf("something is left of a forgotten device: %+v", f)
	}
}

// A failing cron_job, and a worker in trouble, make a device fail, but are no apps.
func TestWhatFailsNeedNotBeAnApp(t *testing.T) {
	f := NewFleet()
	for device, failure := range map[string]topics.Failure{"d": {CronJob: "night"}, "e": {App: "(worker)"}} {
		s := status(topics.Online, 1, "g", 1)
		s.Failing = []topics.Failure{failure}
		f.Apply(device, s)
	}
	f.Apply("well", status(topics.Online, 1, "g", 1))
	if s := f.Group("g", topics.Version{}, false); s.Failing != 2 || len(s.FailingApps) != 0 {
		t.Errorf("%d devices fail, with the apps %v", s.Failing, s.FailingApps)
	}
	f.Apply("d", status(topics.Online, 1, "g", 1))
	if s := f.Group("g", topics.Version{}, false); s.Failing != 1 {
		t.Errorf("%d devices fail when one has recovered", s.Failing)
	}
}

func TestWhatDevicesSayIsBounded(t *testing.T) {
	f := NewFleet()
	s := status(topics.Online, 1, "g", 1, "../../etc", "")
	for i := range 2 * topics.MaxFailing {
		s.Failing = append(s.Failing, topics.Failure{App: fmt.Sprintf("app-%d", i)})
	}
	f.Apply("d", s)
	if got := len(f.Group("g", topics.Version{}, false).FailingApps); got != topics.MaxFailing-2 {
		t.Errorf("%d failing apps are counted, want the first %d less two that are no app names", got, topics.MaxFailing)
	}
	for i := range int64(3 * MaxListed) {
		f.Apply("e"+strconv.FormatInt(i, 10), status(topics.Online, 1, "g", i+10))
	}
	f.Apply("f", status(topics.Online, 1, "g", 300))
	ids := f.Group("g", topics.Version{}, false).ConfigIDs
	if len(ids) != MaxListed || ids["300"] != 2 {
		t.Errorf("%d config_ids are listed, want %d with the highest count among them: %v", len(ids), MaxListed, ids)
	}
}

func TestFullFleetKeepsCounting(t *testing.T) {
	f := NewFleet()
	if f.limit != MaxDevices {
		t.Errorf("the limit is %d, want %d", f.limit, MaxDevices)
	}
	f.limit = 2
	f.Apply("d1", status(topics.Online, 1, "g", 1))
	f.Apply("d2", status(topics.Online, 1, "g", 1))
	if got := f.Apply("d3", status(topics.Online, 1, "g", 1)); got != Full {
		t.Errorf("outcome %v for a device too many, want %v", got, Full)
	}
	if got := f.Apply("d2", status(topics.Online, 1, "g", 2)); got != Counted {
		t.Errorf("outcome %v for a known device, want %v", got, Counted)
	}
	f.Forget("d1")
	if got := f.Apply("d3", status(topics.Online, 1, "g", 1)); got != Counted {
		t.Errorf("outcome %v for the last device that fits, want %v", got, Counted)
	}
}

// TestIncrementalEqualsRecount applies random statuses to a fleet and, after each, compares its counts
// with a fleet that is told only what is known in the end.
func TestIncrementalEqualsRecount(t *testing.T) {
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(seed, 0))
		f := NewFleet()
		last := map[string]topics.Status{}
		groups := []string{"a", "b", "c"}
		wanted := func(group string) topics.Version {
			return topics.Version{Epoch: epoch1, ConfigID: int64(len(group))}
		}
		for step := range 200 {
			name := strconv.Itoa(rng.IntN(12))
			if rng.IntN(10) == 0 {
				f.Forget(name)
				delete(last, name)
			} else {
				s := status([]string{topics.Online, topics.Offline}[rng.IntN(2)], int64(rng.IntN(4)), groups[rng.IntN(3)], int64(rng.IntN(3)))
				for range rng.IntN(3) {
					s.Failing = append(s.Failing, topics.Failure{App: "app-" + strconv.Itoa(rng.IntN(3))})
				}
				if f.Apply(name, s) == Counted {
					last[name] = s
				}
			}
			recount := NewFleet()
			for name, s := range last {
				recount.Apply(name, s)
			}
			for _, group := range groups {
				if diff := cmp.Diff(recount.Group(group, wanted(group), false), f.Group(group, wanted(group), false)); diff != "" {
					t.Fatalf("seed %d, step %d, group %s (-recount +incremental):\n%s", seed, step, group, diff)
				}
			}
			if diff := cmp.Diff(recount.All(wanted, 0), f.All(wanted, 0)); diff != "" {
				t.Fatalf("seed %d, step %d, fleet (-recount +incremental):\n%s", seed, step, diff)
			}
		}
	}
}

// BenchmarkMemory reports what a fleet of half a million devices takes, per device.
func BenchmarkMemory(b *testing.B) {
	const devices = 500_000
	for b.Loop() {
		before := heap()
		f := NewFleet()
		for i := range devices {
			payload := fmt.Appendf(nil, `{"state":"online","session":1,"device_group":"group-%d","epoch":%q,"config_id":%d}`, i%100, epoch1, i%3+1)
			s, err := topics.ParseStatus(payload)
			if err != nil {
				b.Fatal(err)
			}
			f.Apply(fmt.Sprintf("device-%06d", i), s)
		}
		b.ReportMetric(float64(heap()-before)/devices, "B/device")
		runtime.KeepAlive(f)
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkApply(b *testing.B) {
	f := NewFleet()
	names := make([]string, 10_000)
	for i := range names {
		names[i] = "device-" + strconv.Itoa(i)
	}
	s := status(topics.Online, 1, "group", 1)
	i := 0
	for b.Loop() {
		s.Session++
		f.Apply(names[i%len(names)], s)
		i++
	}
}
