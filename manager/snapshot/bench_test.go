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
	"muster/manager/store/sqlite"
	"muster/topics"
)

// BenchmarkMakeAll is what a scan costs with 10,000 groups of five apps each: when nothing has changed,
// and when an app of all of them has.
func BenchmarkMakeAll(b *testing.B) {
	ctx := b.Context()
	st, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(b.TempDir(), "store.db"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	fillStore(ctx, b, st)
	m := New(st, time.Now, slog.New(slog.DiscardHandler))
	scan := func(b *testing.B, want int) {
		made, err := m.MakeAll(ctx, "")
		if err != nil || len(made) != want {
			b.Fatalf("made %d, want %d: %v", len(made), want, err)
		}
	}
	scan(b, benchGroups)
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
			scan(b, benchGroups)
		}
	})
}

const benchGroups = 10_000

func fillStore(ctx context.Context, b *testing.B, st store.Store) {
	var all errgroup.Group
	all.SetLimit(64)
	for i := range 100 {
		app := topics.NewApp(fmt.Sprint("app-", i), "registry.example.com:5000/some/image:1.2.3")
		for v := range 10 {
			app.EnvVars[fmt.Sprint("VARIABLE_", v)] = "https://example.com/some/value"
		}
		all.Go(func() error { return st.Apps().Create(ctx, app) })
	}
	for i := range benchGroups {
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
