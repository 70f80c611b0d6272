package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"muster/manager/store"
	"muster/manager/store/sqlite"
)

// TestOldReportsGo has a store with reports of different ages under a manager that keeps them for half an hour.
func TestOldReportsGo(t *testing.T) {
	s := startServing(t, "--http-addr=127.0.0.1:0", "--mqtt-addr=127.0.0.1:0", "--report-ttl=30m")
	st, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(s.dir, "muster.db"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	var all []store.Report
	for _, minutes := range []int{90, 31, 29, 0} {
		id := store.FirstReportID(time.Now().Add(-time.Duration(minutes) * time.Minute))
		all = append(all, store.Report{ID: id, Doc: json.RawMessage(`{}`)})
	}
	if err := st.Reports().Add(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	s.await("the old reports to go", func() error {
		left, err := st.Reports().Page(t.Context(), store.ReportQuery{}, 10)
		if err != nil || len(left) > 2 {
			return errors.Join(err, fmt.Errorf("%d reports are left", len(left)))
		}
		if len(left) != 2 || left[0].ID != all[2].ID || left[1].ID != all[3].ID {
			t.Fatalf("what is left is %v", left)
		}
		return nil
	})
}
