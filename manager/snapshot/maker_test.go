package snapshot

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/manager/store"
	"muster/topics"
)

func TestMake(t *testing.T) {
	r := newRig(t)
	r.app("a")
	r.group("g", "a", "gone")
	s, err := r.m.Make(r.ctx, "g", "ann")
	r.must(err)
	c := r.made(s, 1)
	if diff := cmp.Diff([]string{"a"}, c.AppsList); diff != "" {
		t.Errorf("apps_list (-want +got):\n%s", diff)
	}
	if s.Epoch != r.st.Epoch() || s.By != "ann" || !s.At.Equal(r.time.Truncate(time.Millisecond)) {
		t.Errorf("got %+v", s.Head)
	}
	stored, err := r.st.Snapshots().Latest(r.ctx, "g")
	r.must(err)
	if diff := cmp.Diff(s, stored); diff != "" {
		t.Errorf("stored (-returned +stored):\n%s", diff)
	}

	r.time = r.time.Add(time.Hour)
	again, err := r.m.Make(r.ctx, "g", "bob")
	r.must(err)
	if diff := cmp.Diff(s, again); diff != "" {
		t.Errorf("nothing has changed (-want +got):\n%s", diff)
	}

	r.app("gone")
	s, err = r.m.Make(r.ctx, "g", "bob")
	r.must(err)
	if c := r.made(s, 2); len(c.Apps) != 2 {
		t.Errorf("the missing app was created, and the config has %v", c.AppsList)
	}
	if latest, ok := r.m.Latest("g"); !ok || latest.ConfigID != 2 {
		t.Errorf("latest: %v, %v", latest.Head, ok)
	}
}

func TestRecreatedAppMakesNewConfig(t *testing.T) {
	r := newRig(t)
	r.app("a")
	r.image("a", "new")
	r.group("g", "a")
	_, err := r.m.Make(r.ctx, "g", "")
	r.must(err)
	r.must(r.st.Apps().Delete(r.ctx, "a"))
	r.app("a") // its app_id is lower now
	s, err := r.m.Make(r.ctx, "g", "")
	r.must(err)
	if c := r.made(s, 2); c.Apps[0].AppID != 1 {
		t.Errorf("got app %+v", c.Apps[0])
	}
}

func TestDeletedGroup(t *testing.T) {
	makers := map[string]func(*rig) error{
		"Make":    func(r *rig) error { _, err := r.m.Make(r.ctx, "g", ""); return err },
		"Current": func(r *rig) error { r.m.Changed("", "", ""); _, err := r.m.Current(r.ctx, "g"); return err },
		"MakeAll": func(r *rig) error {
			if _, err := r.m.MakeAll(r.ctx, ""); err != nil {
				return err
			}
			return store.ErrNotFound // which it does not report
		},
	}
	for name, look := range makers {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.group("g")
			_, err := r.m.Make(r.ctx, "g", "")
			r.must(err)
			r.must(r.st.DeviceGroups().Delete(r.ctx, "g"))
			if err := look(r); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("got %v, want ErrNotFound", err)
			}
			if s, ok := r.m.Latest("g"); ok {
				t.Errorf("latest is still %v", s.Head)
			}
			if _, err := r.st.Snapshots().Get(r.ctx, "g", 1); err != nil {
				t.Errorf("history: %v", err)
			}
			// Even an equal group is at least at its last config_id; a different one goes on from there.
			r.group("g")
			s, err := r.m.Make(r.ctx, "g", "")
			r.must(err)
			r.made(s, 1)
			r.must(r.st.DeviceGroups().Delete(r.ctx, "g"))
			r.app("a")
			r.group("g", "a")
			s, err = r.m.Make(r.ctx, "g", "")
			r.must(err)
			r.made(s, 2)
		})
	}
}

// TestConflict has another manager make a snapshot just before this one appends its own.
func TestConflict(t *testing.T) {
	for name, scan := range map[string]func(*rig) (int64, error){
		"Make": func(r *rig) (int64, error) { s, err := r.m.Make(r.ctx, "g", "late"); return s.ConfigID, err },
		"MakeAll": func(r *rig) (int64, error) {
			heads, err := r.m.MakeAll(r.ctx, "late")
			if len(heads) != 1 {
				return 0, err
			}
			return heads[0].ConfigID, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.app("a")
			r.group("g", "a")
			r.st.once("Append", func() {
				other := r.maker(r.st.Store)
				_, err := other.Make(r.ctx, "g", "early")
				r.must(err)
				r.image("a", "newest")
			})
			id, err := scan(r)
			r.must(err)
			if id != 2 {
				t.Errorf("got config_id %d, want 2", id)
			}
			s, ok := r.m.Latest("g")
			if !ok {
				t.Fatal("it has no latest")
			}
			if c := r.made(s, 2); c.Apps[0].DockerImage != "newest" || s.By != "late" {
				t.Errorf("got %+v by %q", c.Apps[0], s.By)
			}
			if first, err := r.st.Snapshots().Get(r.ctx, "g", 1); err != nil || first.By != "early" {
				t.Errorf("the first: %+v, %v", first.Head, err)
			}
		})
	}
}

// TestReadsInOrder changes a document and has another manager make a config of it, between any two reads
// of this one: the older documents must not end up in the newer snapshot.
func TestReadsInOrder(t *testing.T) {
	one := func(r *rig) error { _, err := r.m.Make(r.ctx, "g", ""); return err }
	all := func(r *rig) error { _, err := r.m.MakeAll(r.ctx, ""); return err }
	for name, test := range map[string]struct {
		make  func(*rig) error
		calls []string
	}{
		"Make":    {one, []string{"Latest", "device_groups.Get", "apps.Some", "cron_jobs.Some", "Append"}},
		"MakeAll": {all, []string{"Heads", "device_groups.All", "apps.All", "cron_jobs.All", "Append"}},
	} {
		for _, call := range test.calls {
			t.Run(name+" "+call, func(t *testing.T) {
				r := newRig(t)
				r.app("a")
				r.cronJob("c")
				r.group("g", "a")
				r.list("g", "c")
				_, err := r.m.Make(r.ctx, "g", "")
				r.must(err)
				r.image("a", "image-1")
				r.reschedule("c", "1 * * * *")
				r.st.once(call, func() {
					r.image("a", "image-2")
					r.reschedule("c", "2 * * * *")
					_, err := r.maker(r.st.Store).Make(r.ctx, "g", "")
					r.must(err)
				})
				r.must(test.make(r))
				r.must(test.make(r))
				s, ok := r.m.Latest("g")
				if !ok {
					t.Fatal("no latest")
				}
				if c := r.made(s, s.ConfigID); c.Apps[0].DockerImage != "image-2" || c.CronJobs[0].Schedule != "2 * * * *" {
					t.Errorf("latest config %d has %s and %s", s.ConfigID, c.Apps[0].DockerImage, c.CronJobs[0].Schedule)
				}
				history, err := r.st.Snapshots().History(r.ctx, "g", 0, 100)
				r.must(err)
				app, job := int64(1<<60), int64(1<<60)
				for _, h := range history {
					s, err := r.st.Snapshots().Get(r.ctx, "g", h.ConfigID)
					r.must(err)
					c := r.made(s, h.ConfigID)
					if c.Apps[0].AppID > app || c.CronJobs[0].CronJobID > job || c.Apps[0].AppID+c.CronJobs[0].CronJobID == app+job {
						t.Errorf("config %d has app_id %d and cron_job_id %d, and the one after it %d and %d",
							h.ConfigID, c.Apps[0].AppID, c.CronJobs[0].CronJobID, app, job)
					}
					app, job = c.Apps[0].AppID, c.CronJobs[0].CronJobID
				}
			})
		}
	}
}

func TestInvalidConfigKeepsTheLast(t *testing.T) {
	r := newRig(t)
	r.app("a")
	r.group("g", "a")
	_, err := r.m.Make(r.ctx, "g", "")
	r.must(err)
	r.change("a", func(a *topics.App) { a.EnvVars = topics.EnvVars{"X": strings.Repeat("x", topics.MaxConfig)} })
	var field *topics.FieldError
	if _, err := r.m.Make(r.ctx, "g", ""); !errors.As(err, &field) || !strings.Contains(err.Error(), `"g"`) {
		t.Errorf("got %v, want a FieldError with the group's name", err)
	}
	r.m.Changed("", "", "")
	for range 2 { // the scan must not take the last one for current
		if _, err := r.m.Current(r.ctx, "g"); !errors.As(err, &field) {
			t.Errorf("current: got %v, want a FieldError", err)
		}
		r.m.Changed("", "", "")
		_, _ = r.m.MakeAll(r.ctx, "")
	}
	if s, ok := r.m.Latest("g"); !ok || s.ConfigID != 1 {
		t.Errorf("latest: %v, %v, want the last good one", s.Head, ok)
	}
}

func TestCurrent(t *testing.T) {
	r := newRig(t)
	r.m.CacheTime = time.Minute
	r.app("a")
	r.group("g", "a")
	current := func(configID int64, why string) {
		t.Helper()
		s, err := r.m.Current(r.ctx, "g")
		r.must(err)
		if s.ConfigID != configID {
			t.Errorf("%s: got config %d, want %d", why, s.ConfigID, configID)
		}
	}
	current(1, "the first is made at once")
	r.st.asked()
	current(1, "from memory")
	if asked := r.st.asked(); len(asked) != 0 {
		t.Errorf("from memory: the store was asked %v", asked)
	}
	r.image("a", "2") // by another manager, so that there is no Invalidate
	current(1, "within the cache time")
	r.time = r.time.Add(time.Minute)
	current(2, "after the cache time")

	r.image("a", "3")
	r.m.Changed("", "", "")
	current(3, "own change")
	r.image("a", "4")
	r.m.Changed("", "", "")
	_, err := r.m.MakeAll(r.ctx, "")
	r.must(err)
	r.st.asked()
	current(4, "own change, after a scan")
	if asked := r.st.asked(); len(asked) != 0 {
		t.Errorf("after a scan: the store was asked %v", asked)
	}
	if _, err := r.m.Current(r.ctx, "none"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no such group: got %v", err)
	}
}

// TestCurrentSeesChangesUnderway changes a document while a look that began before it is under way.
func TestCurrentSeesChangesUnderway(t *testing.T) {
	for name, look := range map[string]func(*rig) error{
		"Make":    func(r *rig) error { _, err := r.m.Make(r.ctx, "g", ""); return err },
		"MakeAll": func(r *rig) error { _, err := r.m.MakeAll(r.ctx, ""); return err },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.app("a")
			r.group("g", "a")
			r.st.once("Append", func() {
				r.image("a", "2")
				r.m.Changed("", "", "")
			})
			r.must(look(r))
			s, err := r.m.Current(r.ctx, "g")
			r.must(err)
			if c := r.made(s, 2); c.Apps[0].DockerImage != "2" {
				t.Errorf("got image %s after the change", c.Apps[0].DockerImage)
			}
		})
	}
}

func TestWarnsOnceAboutLargeConfigs(t *testing.T) {
	r := newRig(t)
	r.app("a")
	r.group("g", "a")
	warnings := func(size int, total int) {
		t.Helper()
		r.change("a", func(a *topics.App) { a.EnvVars = topics.EnvVars{"X": strings.Repeat("x", size)} })
		_, err := r.m.Make(r.ctx, "g", "")
		r.must(err)
		if got := strings.Count(r.log.String(), "config is large"); got != total {
			t.Errorf("%d bytes: %d warnings, want %d", size, got, total)
		}
	}
	warnings(100, 0)
	warnings(topics.WarnConfig, 1)
	warnings(topics.WarnConfig+1, 1)
	warnings(100, 1)
	warnings(topics.WarnConfig, 2)
}

func TestMakeCancelled(t *testing.T) {
	r := newRig(t)
	r.group("g")
	ctx, cancel := context.WithCancel(r.ctx)
	r.st.once("Append", cancel)
	if _, err := r.m.Make(ctx, "g", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if s, ok := r.m.Latest("g"); ok {
		t.Errorf("it knows %v, which was not made", s.Head)
	}
}
