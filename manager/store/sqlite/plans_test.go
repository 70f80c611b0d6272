package sqlite

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"muster/manager/store"
)

// TestPlans asks SQLite how it would find what a page shows: in the one index that leaves least to look at, in the
// order of the page, and without reading what it does not show.
func TestPlans(t *testing.T) {
	s := mustOpen(t, path(t))
	for index, queries := range map[string][]store.AuditQuery{
		"audit_name (name=?":       {{Name: "n"}, {Name: "n", Kind: "k"}, {Name: "n", By: "b"}, {Name: "n", Kind: "k", By: "b"}},
		"audit_name (name=? AND i": {{Name: "n", Before: "i"}, {Name: "n", Kind: "k", By: "b", Before: "i"}},
		"audit_kind (kind=?":       {{Kind: "k"}, {Kind: "k", Before: "i"}},
		"audit_made_by (made_by=?": {{By: "b"}, {By: "b", Before: "i"}},
		"_audit_1":                 {{}, {Before: "i"}},
	} {
		for _, q := range queries {
			query, args := auditPage(q, 10)
			checkPlan(t, s, fmt.Sprintf("%+v", q), index, query, args)
		}
	}
	for index, queries := range map[string][]store.ReportQuery{
		"reports_hostname (hostname=?":             {{Hostname: "h"}, {Hostname: "h", After: "i", Updated: new(true), Compare: store.Less}},
		"reports_device_group (device_group=?":     {{DeviceGroup: "g"}, {DeviceGroup: "g", Updated: new(true), Compare: store.Less}},
		"reports_device_group (device_group=? AND": {{DeviceGroup: "g", After: "i"}},
		"reports_time": {{Updated: new(true)}, {Compare: store.Greater}, {After: "i", Compare: store.NotEqual}},
		"_reports_1":   {{}, {After: "i"}},
	} {
		for _, q := range queries {
			query, args, err := reportPage(q, everything[0], 10)
			if err != nil {
				t.Fatal(err)
			}
			checkPlan(t, s, fmt.Sprintf("%+v", q), index, query, args)
		}
	}
}

// checkPlan looks for one step of the plan, which must read an index alone, and for steps that must not be there.
func checkPlan(t *testing.T, s *Store, what, index, query string, args []any) {
	t.Helper()
	var plan []string
	err := each(t.Context(), s.reads, `EXPLAIN QUERY PLAN `+query, func(rows *sql.Rows) error {
		var id, parent, unused int
		var step string
		err := rows.Scan(&id, &parent, &unused, &step)
		plan = append(plan, step)
		return err
	}, args...)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(plan, "; ")
	// The one sort is of the rows that the page shows.
	if !strings.Contains(text, "COVERING INDEX") || !strings.Contains(text, index) || strings.Count(text, "TEMP B-TREE") > 1 {
		t.Errorf("%s: want %q in the plan, got %s", what, index, text)
	}
}
