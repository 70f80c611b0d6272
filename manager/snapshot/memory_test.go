package snapshot

import (
	"slices"
	"testing"
	"time"

	"muster/manager/store"
	"muster/topics"
)

func version(configID int64) store.Snapshot {
	return store.Snapshot{Head: store.Head{
		DeviceGroup: "g",
		Version:     topics.Version{Epoch: "01ARZ3NDEKTSV4RRFFQ69G5FAV", ConfigID: configID},
	}, Payload: []byte("x")}
}

// TestMemory has looks end in another order than they began.
func TestMemory(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	for name, test := range map[string]struct {
		do func(m *memory, early, late look)
		// want is the config_id in memory, 0 for none, and fresh whether a change before the late look,
		// and after the early one, is known to be in it.
		want  int64
		fresh bool
	}{
		"newer":                     {func(m *memory, early, late look) { m.keep(version(1), early); m.keep(version(2), late) }, 2, true},
		"older":                     {func(m *memory, early, late look) { m.keep(version(2), late); m.keep(version(1), early) }, 2, true},
		"older, by a later look":    {func(m *memory, early, late look) { m.keep(version(2), early); m.keep(version(1), late) }, 2, false},
		"newer, by an earlier look": {func(m *memory, early, late look) { m.keep(version(1), late); m.keep(version(2), early) }, 2, false},
		"same":                      {func(m *memory, early, late look) { m.keep(version(1), early); m.keep(version(1), late) }, 1, true},
		"same, by an earlier look":  {func(m *memory, early, late look) { m.keep(version(1), late); m.keep(version(1), early) }, 1, true},
		"confirmed": {func(m *memory, early, late look) {
			m.keep(version(1), early)
			m.confirm("g", version(1).Version, late)
		}, 1, true},
		"older is confirmed": {func(m *memory, early, late look) {
			m.keep(version(2), early)
			m.confirm("g", version(1).Version, late)
		}, 2, false},
		"forgotten":             {func(m *memory, early, late look) { m.keep(version(1), early); m.forget("g", late) }, 0, false},
		"found after forgotten": {func(m *memory, early, late look) { m.keep(version(1), late); m.forget("g", early) }, 1, true},
		"swept":                 {func(m *memory, early, late look) { m.keep(version(1), early); m.forgetExcept(nil, late) }, 0, false},
		"found after the sweep": {func(m *memory, early, late look) { m.keep(version(1), late); m.forgetExcept(nil, early) }, 1, true},
		"found by the sweep": {func(m *memory, early, late look) {
			m.keep(version(1), early)
			m.forgetExcept(map[string]bool{"g": true}, late)
		}, 1, false},
		"confirmed when not there": {func(m *memory, early, late look) { m.confirm("g", version(1).Version, late) }, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := &memory{entries: map[string]entry{}}
			early := m.look(now)
			m.changed()
			test.do(m, early, m.look(now))
			e, ok := m.get("g")
			if e.snapshot.ConfigID != test.want || ok != (test.want != 0) || ok && len(e.snapshot.Payload) == 0 {
				t.Errorf("holds %+v, %v, want %d", e.snapshot, ok, test.want)
			}
			if s, fresh := m.fresh("g", now.Add(-1)); fresh != test.fresh || fresh && s.ConfigID != test.want {
				t.Errorf("fresh is %v with %d, want %v", fresh, s.ConfigID, test.fresh)
			}
			if got := m.groups(); slices.Contains(got, "g") != ok {
				t.Errorf("groups are %q, and g is there: %v", got, ok)
			}
		})
	}
}
