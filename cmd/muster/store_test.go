package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"muster/manager/store"
	"muster/test/rig"
	"muster/topics"
)

func openStore(t *testing.T, f storeFlags) (store.Store, string) {
	t.Helper()
	dir := t.TempDir()
	st, err := f.open(t.Context(), &dataDir{path: dir}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st, filepath.Join(dir, "muster.db")
}

// TestTheStoreIsWhereTheFlagsSay writes through one way to name a database and reads through the others.
func TestTheStoreIsWhereTheFlagsSay(t *testing.T) {
	url := rig.MongoDB(t)
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte(url+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	st, db := openStore(t, storeFlags{mongoURL: url})
	if err := st.Apps().Create(t.Context(), topics.NewApp("a", "i")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(db); !os.IsNotExist(err) {
		t.Errorf("a file was made beside MongoDB: %v", err)
	}
	for name, f := range map[string]storeFlags{
		"file":     {mongoURLFile: file},
		"database": {mongoURL: rig.InDatabase(url, "other"), mongoDatabase: filepath.Base(url)},
	} {
		other, _ := openStore(t, f)
		if names, err := other.Apps().Names(t.Context()); err != nil || len(names) != 1 {
			t.Errorf("%s: apps are %v, %v, want the one", name, names, err)
		}
	}
	local, db := openStore(t, storeFlags{})
	if names, err := local.Apps().Names(t.Context()); err != nil || len(names) != 0 {
		t.Errorf("without a URL: apps are %v, %v, want none", names, err)
	}
	if _, err := os.Stat(db); err != nil {
		t.Errorf("without a URL: %v", err)
	}
}
