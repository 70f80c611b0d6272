package api_test

import (
	"context"
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"muster/manager/store"
	"muster/topics"
)

// BenchmarkUpdateApp is a PUT of one of 1,000 apps, each in some of 100 or of 10,000 device_groups of ten apps.
func BenchmarkUpdateApp(b *testing.B) {
	const apps = 1000
	for _, groups := range []int{100, 10_000} {
		benchFleet(b, apps, groups, func(b *testing.B, m *manager) {
			for i := 0; b.Loop(); i++ {
				path := fmt.Sprintf("/apps/app-%d/update", i%apps)
				if w := m.do("PUT", path, `{"env_vars": {"A": "b"}}`); w.Code != 202 {
					b.Fatal(w.Code, w.Body)
				}
			}
		})
	}
}

// BenchmarkPrune is a POST /prune.
func BenchmarkPrune(b *testing.B) {
	for _, groups := range []int{100, 10_000} {
		benchFleet(b, 10, groups, func(b *testing.B, m *manager) {
			for b.Loop() {
				if w := m.do("POST", "/prune", ``); w.Code != 202 {
					b.Fatal(w.Code, w.Body)
				}
			}
		})
	}
}

// benchFleet runs a benchmark on each store with that many apps and device_groups in it, ten apps in each.
func benchFleet(b *testing.B, apps, groups int, run func(*testing.B, *manager)) {
	for _, s := range stores {
		b.Run(fmt.Sprintf("%s/groups=%d", s.name, groups), func(b *testing.B) {
			m := s.open.manager(b)
			ctx := context.Background()
			var all errgroup.Group
			all.SetLimit(64)
			for i := range apps {
				all.Go(func() error {
					return m.store.Apps().Create(ctx, topics.NewApp(fmt.Sprintf("app-%d", i), "registry.example.com:5000/some/image:1.2.3"))
				})
			}
			for i := range groups {
				g := store.DeviceGroup{DeviceGroup: fmt.Sprintf("group-%d", i), DeviceGroupID: 1, PruneID: 1}
				for n := range 10 {
					g.Apps = append(g.Apps, fmt.Sprintf("app-%d", (i*10+n)%apps))
				}
				all.Go(func() error { return m.store.DeviceGroups().Create(ctx, g) })
			}
			if err := all.Wait(); err != nil {
				b.Fatal(err)
			}
			run(b, m)
		})
	}
}
