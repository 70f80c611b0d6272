package sqlite

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	"muster/manager/store"
	"muster/manager/store/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Open {
		o := Options{Path: filepath.Join(t.TempDir(), "store.db"), Log: slog.New(slog.DiscardHandler)}
		return func(ctx context.Context) (store.Store, error) { return Open(ctx, o) }
	})
}
