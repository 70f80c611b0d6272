package snapshot

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"muster/manager/store"
	"muster/topics"
)

// TestManagersRace has eight managers, each with a handle of its own on the store, make configs while
// admins change apps and groups. Every document counts its changes, so a config that has an older
// document than the one before it shows.
func TestManagersRace(t *testing.T) {
	for kind := range stores {
		t.Run(kind, func(t *testing.T) { testManagersRace(newRigOn(t, kind)) })
	}
}

func testManagersRace(r *rig) {
	const makers, apps, groups, changes = 8, 3, 3, 20
	for i := range apps {
		r.app(fmt.Sprint("app-", i))
	}
	for i := range groups {
		r.group(fmt.Sprint("g-", i), "app-0", fmt.Sprint("app-", i), "gone")
	}
	// The first group lists app-0 once only.
	_, err := r.st.DeviceGroups().Modify(r.ctx, "g-0", func(g *store.DeviceGroup) error { g.Apps = []string{"app-0"}; return nil })
	r.must(err)

	ctx, stop := context.WithCancel(r.ctx)
	var admins, managers sync.WaitGroup
	errs := make([]error, makers+2)
	all := make([]*Maker, makers)
	for i := range makers {
		all[i] = r.maker(r.open())
		managers.Go(func() { errs[i] = keepMaking(ctx, all[i], i) })
	}
	admins.Go(func() {
		for range changes {
			for i := range apps {
				_, err := r.st.Apps().Modify(r.ctx, fmt.Sprint("app-", i), func(a *topics.App) error { a.AppID++; return nil })
				errs[makers] = errors.Join(errs[makers], err)
			}
		}
	})
	admins.Go(func() {
		for range changes {
			for i := range groups {
				_, err := r.st.DeviceGroups().Modify(r.ctx, fmt.Sprint("g-", i), func(g *store.DeviceGroup) error { g.DeviceGroupID++; return nil })
				errs[makers+1] = errors.Join(errs[makers+1], err)
			}
		}
	})
	admins.Wait()
	stop()
	managers.Wait()
	r.must(errors.Join(errs...))

	for i := range groups {
		group := fmt.Sprint("g-", i)
		last, err := all[i].Make(r.ctx, group, "")
		r.must(err)
		doc, err := r.st.DeviceGroups().Get(r.ctx, group)
		r.must(err)
		parts, err := ReadParts(r.ctx, r.st, doc)
		r.must(err)
		want, err := topics.ContentDigest(Content(doc, parts))
		r.must(err)
		if last.SHA256 != want {
			r.Errorf("%s: the last config is not what the documents say", group)
		}
		checkHistory(r, group, last.ConfigID)
	}
}

// keepMaking makes configs in every way there is, until ctx ends.
func keepMaking(ctx context.Context, m *Maker, i int) error {
	for {
		var err error
		group := fmt.Sprint("g-", rand.IntN(3))
		before, _ := m.Latest(group)
		switch rand.IntN(3) {
		case 0:
			_, err = m.MakeAll(ctx, fmt.Sprint(i))
		case 1:
			_, err = m.Make(ctx, group, fmt.Sprint(i))
		case 2:
			m.Changed("", "", "")
			_, err = m.Current(ctx, group)
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the race is over, which interrupts what is under way
		}
		if err != nil {
			return err
		}
		if after, ok := m.Latest(group); !ok && before.ConfigID != 0 || before.Version.Newer(after.Version) {
			return fmt.Errorf("manager %d: the latest of %s went from %v to %v", i, group, before.Version, after.Version)
		}
	}
}

// checkHistory reads all configs of a group, from the last to the first.
func checkHistory(r *rig, group string, last int64) {
	r.Helper()
	if last > store.HistoryLimit {
		r.Fatalf("%s has %d configs: the first are lost", group, last)
	}
	after := topics.Config{Content: topics.Content{DeviceGroupID: 1 << 60}}
	for id := last; id >= 1; id-- {
		s, err := r.st.Snapshots().Get(r.ctx, group, id)
		r.must(err)
		c := r.made(s, id)
		if c.SHA256 == after.SHA256 {
			r.Errorf("%s: config %d has the content of the one before it", group, id+1)
		}
		if c.DeviceGroupID > after.DeviceGroupID {
			r.Errorf("%s: device_group_id goes from %d back to %d at config %d", group, c.DeviceGroupID, after.DeviceGroupID, id+1)
		}
		for i, app := range after.Apps {
			if c.Apps[i].AppID > app.AppID {
				r.Errorf("%s: app_id of %s goes from %d back to %d at config %d", group, app.AppName, c.Apps[i].AppID, app.AppID, id+1)
			}
		}
		after = c
	}
	if after.ConfigID != 1 {
		r.Errorf("%s: no config at all", group)
	}
}
