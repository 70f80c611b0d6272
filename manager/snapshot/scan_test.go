package snapshot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"muster/manager/store"
	"muster/topics"
)

func TestMakeAll(t *testing.T) {
	r := newRig(t)
	const groups = 300
	r.app("everywhere")
	r.app("once")
	for i := range groups - 1 {
		r.group(fmt.Sprintf("g-%03d", i), "everywhere")
	}
	r.group("h", "once", "everywhere")
	scan := func(m *Maker, want ...string) {
		t.Helper()
		made, err := m.MakeAll(r.ctx, "scan")
		r.must(err)
		var names []string
		for _, h := range made {
			names = append(names, h.DeviceGroup)
			if h.By != "scan" {
				t.Errorf("%s was made by %q", h.DeviceGroup, h.By)
			}
		}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("made (-want +got):\n%s", diff)
		}
	}
	everyone, err := r.st.DeviceGroups().Names(r.ctx)
	r.must(err)
	scan(r.m, everyone...)
	r.st.asked()
	scan(r.m)
	four := map[string]int{"Heads": 1, "device_groups.All": 1, "apps.All": 1, "cron_jobs.All": 1}
	if diff := cmp.Diff(four, r.st.asked()); diff != "" {
		t.Errorf("asked when nothing has changed (-want +got):\n%s", diff)
	}
	r.image("once", "new")
	scan(r.m, "h")
	if diff := cmp.Diff(map[string]int{"Heads": 1, "device_groups.All": 1, "apps.All": 1, "cron_jobs.All": 1, "Append": 1}, r.st.asked()); diff != "" {
		t.Errorf("asked when one has changed (-want +got):\n%s", diff)
	}
	r.image("everywhere", "new")
	scan(r.m, everyone...)
	for _, name := range everyone {
		s, ok := r.m.Latest(name)
		if !ok {
			t.Fatalf("%s has no latest", name)
		}
		want := int64(2)
		if name == "h" {
			want = 3
		}
		r.made(s, want)
	}

	// Another manager, and this one after it, know them from the store.
	other := r.maker(r.st)
	r.st.asked()
	scan(other)
	if got := r.st.asked()["Latest"]; got != groups {
		t.Errorf("a manager that starts read %d snapshots, want %d", got, groups)
	}
	r.image("once", "newer")
	scan(other, "h")
	scan(r.m)
	if s, ok := r.m.Latest("h"); !ok || s.ConfigID != 4 {
		t.Errorf("latest made by another manager: %v, %v", s.Head, ok)
	} else if c := r.made(s, 4); c.Apps[0].DockerImage != "newer" {
		t.Errorf("latest made by another manager: %+v", c.Apps[0])
	}
}

func TestMakeAllGoesOnAfterInvalidConfigs(t *testing.T) {
	r := newRig(t)
	r.app("good")
	r.app("large")
	r.group("a-large", "large")
	r.group("b-twice", "good", "good")
	r.group("c-good", "good")
	r.change("large", func(a *topics.App) { a.EnvVars = topics.EnvVars{"X": strings.Repeat("x", topics.MaxConfig)} })
	for i, want := range [][]string{{"c-good"}, nil} {
		made, err := r.m.MakeAll(r.ctx, "")
		var got []string
		for _, h := range made {
			got = append(got, h.DeviceGroup)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("scan %d made (-want +got):\n%s", i, diff)
		}
		if _, ok := errors.AsType[*topics.FieldError](err); !ok {
			t.Fatalf("scan %d: got %v, want FieldErrors", i, err)
		}
		lines := strings.Split(err.Error(), "\n")
		if len(lines) != 2 || !strings.Contains(lines[0], `"a-large"`) || !strings.Contains(lines[1], `"b-twice"`) {
			t.Errorf("scan %d: got %q, want one line for each of the two groups", i, lines)
		}
	}
	// A manager that starts while the documents are wrong has the last config that was right.
	r.must(r.st.Apps().Delete(r.ctx, "large"))
	_, err := r.m.Make(r.ctx, "a-large", "")
	r.must(err)
	app := topics.NewApp("large", "i")
	app.EnvVars = topics.EnvVars{"X": strings.Repeat("x", topics.MaxConfig)}
	r.must(r.st.Apps().Create(r.ctx, app))
	other := r.maker(r.st)
	if _, err := other.MakeAll(r.ctx, ""); err == nil {
		t.Error("the config is too large, and nothing was reported")
	}
	if s, ok := other.Latest("a-large"); !ok || s.ConfigID != 1 {
		t.Errorf("latest: %v, %v, want the last good one", s.Head, ok)
	}
}

// TestMakeAllForgetsNoNewGroup has a group be created and made while a scan is under way that has not
// read it.
func TestMakeAllForgetsNoNewGroup(t *testing.T) {
	r := newRig(t)
	r.group("old")
	r.st.once("apps.All", func() {
		r.group("new")
		_, err := r.m.Make(r.ctx, "new", "")
		r.must(err)
	})
	_, err := r.m.MakeAll(r.ctx, "")
	r.must(err)
	if _, ok := r.m.Latest("new"); !ok {
		t.Error("the new group was forgotten")
	}
}

func TestMakeAllGroupDeletedMeanwhile(t *testing.T) {
	r := newRig(t)
	r.group("g")
	r.st.once("Append", func() {
		_, err := r.maker(r.st.Store).Make(r.ctx, "g", "")
		r.must(err)
		r.must(r.st.DeviceGroups().Delete(r.ctx, "g"))
	})
	made, err := r.m.MakeAll(r.ctx, "")
	if err != nil || len(made) != 0 {
		t.Errorf("got %v, %v, want nothing made and no error", made, err)
	}
}

func TestMakeAllStopsWhenTheStoreFails(t *testing.T) {
	r := newRig(t)
	const groups = 500
	for i := range groups {
		r.group(fmt.Sprintf("g-%03d", i))
	}
	ctx, cancel := context.WithCancel(r.ctx)
	r.st.once("Append", cancel)
	made, err := r.m.MakeAll(ctx, "")
	if !errors.Is(err, context.Canceled) || strings.Count(err.Error(), "\n") != 0 {
		t.Errorf("got %v, want one error", err)
	}
	if len(made) > groups/2 {
		t.Errorf("%d of %d were made after the end", len(made), groups)
	}
	r.st.asked()
	r.st.broken = errors.New("disk is full")
	_, err = r.m.MakeAll(r.ctx, "")
	if !errors.Is(err, r.st.broken) || strings.Count(err.Error(), "\n") != 0 {
		t.Errorf("got %v, want the store's error, once", err)
	}
	if tried := r.st.asked()["Append"]; tried > groups/2 {
		t.Errorf("%d appends were tried on a full disk", tried)
	}
	r.must(r.st.Store.Close())
	if _, err := r.m.MakeAll(r.ctx, ""); err == nil {
		t.Error("a closed store gives no error")
	}
}

func TestNewEpoch(t *testing.T) {
	r := newRig(t)
	r.group("g")
	_, err := r.m.MakeAll(r.ctx, "")
	r.must(err)
	const newer = "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"
	m := r.maker(epochStore{r.st, newer})
	made, err := m.MakeAll(r.ctx, "")
	r.must(err)
	if want := (topics.Version{Epoch: newer, ConfigID: 2}); len(made) != 1 || made[0].Version != want {
		t.Errorf("got %v, want %v", made, want)
	}
	// A manager that has not heard of it goes along.
	_, err = r.m.MakeAll(r.ctx, "")
	r.must(err)
	if s, ok := r.m.Latest("g"); !ok || s.Epoch != newer {
		t.Errorf("latest: %v, %v, want the new epoch", s.Head, ok)
	}
}

// An epochStore is a store with another epoch.
type epochStore struct {
	store.Store
	epoch string
}

func (s epochStore) Epoch() string { return s.epoch }

// TestMakeAllSeesEveryChange is about what a scan takes over from the one before it.
func TestMakeAllSeesEveryChange(t *testing.T) {
	group := func(set func(*store.DeviceGroup)) func(*rig) {
		return func(r *rig) {
			_, err := r.st.DeviceGroups().Modify(r.ctx, "g", func(g *store.DeviceGroup) error { set(g); return nil })
			r.must(err)
		}
	}
	for name, test := range map[string]struct {
		change func(*rig)
		made   int
	}{
		"nothing":               {func(*rig) {}, 0},
		"an app":                {func(r *rig) { r.image("b", "new") }, 1},
		"an app is deleted":     {func(r *rig) { r.must(r.st.Apps().Delete(r.ctx, "a")) }, 1},
		"an app is created":     {func(r *rig) { r.app("later") }, 1},
		"another app":           {func(r *rig) { r.app("other") }, 0},
		"device_group_id":       {group(func(g *store.DeviceGroup) { g.DeviceGroupID++ }), 1},
		"prune_id":              {group(func(g *store.DeviceGroup) { g.PruneID++ }), 1},
		"a cron_job":            {func(r *rig) { r.reschedule("c", "1 * * * *") }, 1},
		"a cron_job is deleted": {func(r *rig) { r.must(r.st.CronJobs().Delete(r.ctx, "c")) }, 1},
		"a cron_job is created": {func(r *rig) { r.cronJob("later") }, 1},
		"another cron_job":      {func(r *rig) { r.cronJob("a") }, 0}, // with the name of an app
		"cron_jobs":             {func(r *rig) { r.list("g", "later") }, 1},
		"order of apps":         {group(func(g *store.DeviceGroup) { g.Apps = []string{"b", "a", "later"} }), 1},
		"the latest is another manager's": {func(r *rig) {
			r.image("a", "x")
			_, err := r.maker(r.st.Store).Make(r.ctx, "g", "")
			r.must(err)
			r.image("a", "y")
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.app("a")
			r.app("b")
			r.cronJob("c")
			r.group("g", "a", "b", "later")
			r.list("g", "c", "later")
			for range 2 {
				_, err := r.m.MakeAll(r.ctx, "")
				r.must(err)
			}
			test.change(r)
			made, err := r.m.MakeAll(r.ctx, "")
			r.must(err)
			if len(made) != test.made {
				t.Errorf("made %v, want %d", made, test.made)
			}
			again, err := r.m.MakeAll(r.ctx, "")
			r.must(err)
			if len(again) != 0 {
				t.Errorf("made %v of nothing new", again)
			}
			latest, _ := r.m.Latest("g")
			scratch, err := r.maker(r.st).Make(r.ctx, "g", "") // which knows of no earlier scan
			r.must(err)
			if diff := cmp.Diff(scratch, latest); diff != "" {
				t.Errorf("(-from scratch +scan):\n%s", diff)
			}
		})
	}
}

// TestMakeAllReadsANewerOne has another manager make a snapshot after the scan has read the heads: what
// the scan then loads is newer than the documents it has compared.
func TestMakeAllReadsANewerOne(t *testing.T) {
	r := newRig(t)
	r.app("a")
	r.group("g", "a")
	other := r.maker(r.st.Store)
	_, err := other.Make(r.ctx, "g", "")
	r.must(err)
	r.st.once("Latest", func() {
		r.image("a", "2")
		_, err := other.Make(r.ctx, "g", "")
		r.must(err)
	})
	_, err = r.m.MakeAll(r.ctx, "")
	r.must(err)
	if s, ok := r.m.Latest("g"); !ok || s.ConfigID != 2 {
		t.Errorf("latest: %v, %v, want the newer one", s.Head, ok)
	}
	r.st.asked()
	_, err = r.m.Current(r.ctx, "g")
	r.must(err)
	if len(r.st.asked()) == 0 {
		t.Error("it was taken for current, and nobody has compared it with the documents")
	}
}
