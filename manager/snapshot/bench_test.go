package snapshot

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"muster/manager/store"
	"muster/topics"
)

// BenchmarkMakeAll is what a scan costs with groups of five apps each: when nothing has changed, and when an
// app of all of them has. FerretDB searches all snapshots for each one that is made, hence fewer groups.
func BenchmarkMakeAll(b *testing.B) {
	for kind, groups := range map[string]int{"sqlite": 10_000, "mongo": 500} {
		b.Run(fmt.Sprintf("%s/groups=%d", kind, groups), func(b *testing.B) { benchmarkMakeAll(b, kind, groups) })
	}
}

func benchmarkMakeAll(b *testing.B, kind string, groups int) {
	ctx := b.Context()
	st, err := stores[kind](b, filepath.Join(b.TempDir(), "store.db"))(ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	fillStore(ctx, b, st, groups)
	m := New(st, time.Now, slog.New(slog.DiscardHandler))
	scan := func(b *testing.B, want int) {
		made, err := m.MakeAll(ctx, "")
		if err != nil || len(made) != want {
			b.Fatalf("made %d, want %d: %v", len(made), want, err)
		}
	}
	scan(b, groups)
	b.Run("unchanged", func(b *testing.B) {
		for b.Loop() {
			scan(b, 0)
		}
	})
	b.Run("all changed", func(b *testing.B) {
		for b.Loop() {
			if _, err := st.Apps().Modify(ctx, "app-0", func(a *topics.App) error { a.AppID++; return nil }); err != nil {
				b.Fatal(err)
			}
			scan(b, groups)
		}
	})
}

func fillStore(ctx context.Context, b *testing.B, st store.Store, groups int) {
	var all errgroup.Group
	all.SetLimit(64)
	for i := range 100 {
		app := topics.NewApp(fmt.Sprint("app-", i), "registry.example.com:5000/some/image:1.2.3")
		for v := range 10 {
			app.EnvVars[fmt.Sprint("VARIABLE_", v)] = "https://example.com/some/value"
		}
		all.Go(func() error { return st.Apps().Create(ctx, app) })
	}
	for i := range groups {
		g := store.DeviceGroup{DeviceGroup: fmt.Sprint("group-", i), DeviceGroupID: 1, PruneID: 1, Apps: []string{"app-0"}}
		for a := range 4 {
			g.Apps = append(g.Apps, fmt.Sprint("app-", 1+(i*4+a)%99))
		}
		all.Go(func() error { return st.DeviceGroups().Create(ctx, g) })
	}
	if err := all.Wait(); err != nil {
		b.Fatal(err)
	}
}
