package devices

import (
	"fmt"
	"runtime"
	"strconv"
	"testing"

	"muster/manager/store"
	"muster/topics"
)

// fill is a fleet of so many devices in a hundred groups, one in ten of which has labels, and one in fifty something that fails.
func fill(b *testing.B, devices int) *Fleet {
	b.Helper()
	wanted := make(wishes)
	for i := range 100 {
		wanted[fmt.Sprintf("group-%d", i)] = topics.Version{Epoch: epoch1, ConfigID: 3}
	}
	f := New(nil, nil, wanted, Options{})
	for i := range devices {
		name := fmt.Sprintf("device-%07d", i)
		s := status(topics.Online, 1, fmt.Sprintf("group-%d", i%100), int64(i%3+1))
		s.Phase, s.Agent = topics.PhaseSettled, "muster-worker/0.1.0"
		if i%50 == 0 {
			s.Failing = []topics.Failure{{App: "web", Code: topics.ReasonExited, Reason: fmt.Sprintf("ended with exit code 1 at %d", i)}}
		}
		payload, err := s.Encode()
		if err != nil {
			b.Fatal(err)
		}
		if s, err = topics.ParseStatus(payload); err != nil {
			b.Fatal(err)
		}
		f.census.apply(name, s, now)
		if i%10 == 0 {
			f.census.head(store.DeviceHead{Device: name, Labels: map[string]string{"site": "berlin-" + strconv.Itoa(i%1000), "canary": ""}, Reported: now})
		}
	}
	return f
}

// BenchmarkMemory reports what a fleet of a million devices takes, per device.
func BenchmarkMemory(b *testing.B) {
	const devices = 1_000_000
	for b.Loop() {
		before := heap()
		f := fill(b, devices)
		b.ReportMetric(float64(heap()-before)/devices, "B/device")
		runtime.KeepAlive(f)
	}
}

// BenchmarkList reports how long a page of 100 takes in a fleet of a million devices.
func BenchmarkList(b *testing.B) {
	f := fill(b, 1_000_000)
	berlin, yes := "berlin-990", true
	for name, bench := range map[string]struct {
		query Query
		count bool
	}{
		"all":           {Query{}, false},
		"all, counts":   {Query{}, true},
		"group, counts": {Query{Group: "group-7"}, true},
		"failing":       {Query{Failing: &yes}, false},
		"label":         {Query{Labels: []LabelQuery{{"site", &berlin}}}, false},
		"label, counts": {Query{Labels: []LabelQuery{{"site", &berlin}}}, true},
		"none":          {Query{FailingApp: "nothing"}, true},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f.List(bench.query, "device-05", 100, bench.count)
			}
		})
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
	c := newCensus()
	names := make([]string, 10_000)
	for i := range names {
		names[i] = "device-" + strconv.Itoa(i)
	}
	s := status(topics.Online, 1, "group", 1)
	i := 0
	for b.Loop() {
		s.Session++
		c.apply(names[i%len(names)], s, now)
		i++
	}
}
