package sqlite

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"muster/manager/store"
)

// TestForeignDocuments has what only a file can hold: text that is no JSON, or no document, or another one's.
func TestForeignDocuments(t *testing.T) {
	p := path(t)
	s := mustOpen(t, p)
	good := store.DeviceGroup{DeviceGroup: "good", DeviceGroupID: 1, PruneID: 1, Apps: []string{}, CronJobs: []string{}}
	if err := s.DeviceGroups().Create(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{"a": "", "b": "{", "c": "null", "d": "[]", "e": "{}", "f": `{"device_group":"good"}`, "g": `{"device_group":"g"} {}`}
	for name, text := range texts {
		if err := tamper(t.Context(), p, `INSERT INTO device_groups (name, doc) VALUES (?, ?)`, name, text); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.DeviceGroups().All(t.Context())
	if diff := cmp.Diff([]store.DeviceGroup{good}, all); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	unreadable, ok := errors.AsType[*store.UnreadableError](err)
	if !ok || len(unreadable.Docs) != len(texts) {
		t.Fatalf("all: got %v, want an UnreadableError of %d", err, len(texts))
	}
	for name, text := range texts {
		doc, err := s.DeviceGroups().Get(t.Context(), name)
		if one, ok := errors.AsType[*store.UnreadableError](err); !ok || one.Docs[name] == nil || unreadable.Docs[name] == nil {
			t.Errorf("%q: got %v and %v of all", text, err, unreadable.Docs[name])
		}
		if diff := cmp.Diff(store.DeviceGroup{}, doc); diff != "" {
			t.Errorf("%q gave something (-want +got):\n%s", text, diff)
		}
	}
	if err := unreadable.Docs["b"]; err == nil || strings.Contains(err.Error(), "carries the name") {
		t.Errorf("no JSON: got %v", err)
	}
	if err := unreadable.Docs["f"]; err == nil || !strings.Contains(err.Error(), `carries the name "good"`) {
		t.Errorf("a document under another's name: got %v", err)
	}
}

// TestForeignAuditEntry has an entry that no Muster wrote: the error says which one it is.
func TestForeignAuditEntry(t *testing.T) {
	p := path(t)
	s := mustOpen(t, p)
	if err := tamper(t.Context(), p, `INSERT INTO audit (id, made_by, kind, name, doc) VALUES ('odd', '', '', '', '{')`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Audit().Page(t.Context(), store.AuditQuery{}, 1); err == nil || !containsAll(err.Error(), "audit trail", "odd") {
		t.Errorf("got %v", err)
	}
}

// TestOddReports has reports whose fields SQLite's columns would not take as they are.
func TestOddReports(t *testing.T) {
	s := mustOpen(t, path(t))
	var want []store.Report
	for i, doc := range []string{
		`{"report_creation_time":1e400,"Hostname":"h","hostname":["h"]}`,
		`{"report_creation_time":5,"report_creation_time":-9223372036854775809,"updated":"true"}`,
		`{"hostname":"","device_group":"\u0000\ud800","updated":null}`,
	} {
		want = append(want, store.Report{ID: strings.Repeat("0", 23) + string(rune('1'+i)), Doc: json.RawMessage(doc)})
	}
	if err := s.Reports().Add(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	for what, test := range map[string]struct {
		q    store.ReportQuery
		want []store.Report
	}{
		"all":             {store.ReportQuery{}, want},
		"by hostname":     {store.ReportQuery{Hostname: "h"}, []store.Report{}},
		"below all":       {store.ReportQuery{Compare: store.Less, CreatedAt: -1 << 62}, want[1:2]},
		"without a time":  {store.ReportQuery{Compare: store.NotEqual, CreatedAt: 5}, want},
		"neither is true": {store.ReportQuery{Updated: new(true)}, []store.Report{}},
	} {
		got, err := s.Reports().Page(t.Context(), test.q, 10)
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	if s.writer.failing.Load() {
		t.Error("the store is said to fail")
	}
}
