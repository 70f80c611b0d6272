package sqlite

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"muster/manager/store"
	"muster/topics"
)

// TestMain runs the part of a test that needs a process of its own when the test asks for it.
func TestMain(m *testing.M) {
	if part, ok := children[os.Getenv(childVariable)]; ok {
		if err := part(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// childVariable names the part that a child process runs, with its arguments on the command line.
const childVariable = "MUSTER_TEST_CHILD"

var children = map[string]func(args []string) error{"append": appendForever, "report": reportForever}

var discard = slog.New(slog.DiscardHandler)

// path is where a test may keep a store.
func path(t testing.TB) string { return filepath.Join(t.TempDir(), "store.db") }

// mustOpen opens a store for a test and closes it at its end.
func mustOpen(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{Path: path, Log: discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// snap is a snapshot with a payload of that many bytes.
func snap(group string, configID int64, size int) store.Snapshot {
	return store.Snapshot{
		Head: store.Head{
			DeviceGroup: group,
			Version:     topics.Version{Epoch: "01ARZ3NDEKTSV4RRFFQ69G5FAV", ConfigID: configID},
			At:          time.UnixMilli(1_700_000_000_000).UTC(),
		},
		Payload: bytes.Repeat([]byte{'x'}, size),
	}
}

// until waits for a condition.
func until(t testing.TB, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: it has not come to that", what)
		}
	}
}
