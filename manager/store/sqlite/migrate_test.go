package sqlite

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"muster/manager/store"
	"muster/topics"
)

// TestMigrateFromSchema1 has several managers of this version start at once on a store of the first one.
func TestMigrateFromSchema1(t *testing.T) {
	p := path(t)
	dump, err := os.ReadFile("testdata/schema1.sql")
	if err != nil {
		t.Fatal(err)
	}
	if err := tamper(t.Context(), p, string(dump)); err != nil {
		t.Fatal(err)
	}
	before := rows(t, p)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			s, err := Open(t.Context(), Options{Path: p, Log: discard})
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if diff := cmp.Diff(before, rows(t, p)); diff != "" {
		t.Errorf("what was there (-before +after):\n%s", diff)
	}

	s := mustOpen(t, p)
	if !strings.Contains(string(dump), s.Epoch()) {
		t.Errorf("epoch %s is a new one", s.Epoch())
	}
	app, err := s.Apps().Modify(t.Context(), "web", func(a *topics.App) error { a.AppID++; return nil })
	if err != nil || app.AppID != 8 || app.EnvVars["A.B"] != "it's ü" {
		t.Errorf("app: %+v, %v", app, err)
	}
	group, err := s.DeviceGroups().Get(t.Context(), "berlin")
	if want := (store.DeviceGroup{DeviceGroup: "berlin", DeviceGroupID: 3, PruneID: 2, Apps: []string{"web", "my.app"}, CronJobs: []string{}}); err != nil || !cmp.Equal(want, group) {
		t.Errorf("device_group: %+v, %v", group, err)
	}
	if latest, err := s.Snapshots().Latest(t.Context(), "berlin"); err != nil || latest.ConfigID != 2 || string(latest.Payload) != `{"config_id":2}` {
		t.Errorf("snapshot: %+v, %v", latest, err)
	}
	checkIntegrity(t, s)

	fresh := mustOpen(t, path(t))
	if diff := cmp.Diff(schema(t, fresh), schema(t, s)); diff != "" {
		t.Errorf("schema (-new store +migrated):\n%s", diff)
	}
}

// rows reads all that schema 1 has tables for, as text.
func rows(t *testing.T, p string) []string {
	t.Helper()
	db, err := file{path: p}.open()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	got := []string{}
	for _, columns := range []string{
		`json_array(epoch) FROM store`, `json_array(name, doc) FROM apps`, `json_array(name, doc) FROM device_groups`,
		`json_array(device_group, config_id, epoch, sha256, at, made_by, hex(payload)) FROM snapshots`,
	} {
		got = append(got, texts(t, db, `SELECT `+columns+` ORDER BY rowid`)...)
	}
	if len(got) != 7 {
		t.Fatalf("got %q", got)
	}
	return got
}

func schema(t *testing.T, s *Store) []string {
	t.Helper()
	return texts(t, s.reads, `SELECT type || ' ' || name || ': ' || coalesce(sql, '') FROM sqlite_schema ORDER BY name`)
}

// texts reads rows of one column.
func texts(t *testing.T, db querier, query string) []string {
	t.Helper()
	var got []string
	err := each(t.Context(), db, query, func(rows *sql.Rows) error {
		var text string
		err := rows.Scan(&text)
		got = append(got, text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestMigrateReports has reports in a store that has no spans of them yet.
func TestMigrateReports(t *testing.T) {
	p := path(t)
	s, err := Open(t.Context(), Options{Path: p, Log: discard})
	if err != nil {
		t.Fatal(err)
	}
	docs := []string{`{"report_creation_time":1700000000,"updated":true}`, `{"report_creation_time":7,"updated":false}`, `{"updated":true}`, `{}`}
	for n, doc := range docs {
		report := store.Report{ID: fmt.Sprintf("%08x%016x", 1_700_000_000+100*n, n), Doc: json.RawMessage(doc)}
		if err := s.Reports().Add(t.Context(), []store.Report{report}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := tamper(t.Context(), p, `DROP TABLE report_spans; DROP TABLE tokens; DROP TABLE authorities; DROP TABLE identities; DROP TABLE acme;
		DELETE FROM goose_db_version WHERE version_id >= 4`); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, p)
	for what, test := range map[string]struct {
		q    store.ReportQuery
		want int
	}{
		"updated":     {store.ReportQuery{Updated: new(true)}, 2},
		"not updated": {store.ReportQuery{Updated: new(false)}, 1},
		"in 1970":     {store.ReportQuery{Compare: store.Less, CreatedAt: 100}, 1},
		"since":       {store.ReportQuery{Compare: store.Greater, CreatedAt: 100, Updated: new(true)}, 1},
		"not then":    {store.ReportQuery{Compare: store.NotEqual, CreatedAt: 7}, 3},
	} {
		if page, err := s.Reports().Page(t.Context(), test.q, 10); err != nil || len(page) != test.want {
			t.Errorf("%s: %d reports, %v, want %d", what, len(page), err, test.want)
		}
	}
	if zones, err := stretches(t.Context(), s.reads, store.ReportQuery{Compare: store.Greater, CreatedAt: 100}); err != nil || len(zones) != 1 {
		t.Errorf("%v, %v: one zone has a report of after 1970", zones, err)
	}
}
