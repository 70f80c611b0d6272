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

// Identities are found by an index, without a sort, and without looking at those of others.
func TestPlansOfIdentities(t *testing.T) {
	s := mustOpen(t, path(t))
	pages := map[string]store.IdentityFilter{
		"identities_state (state=?": {State: "s"}, "identities_device_group (device_group=?": {DeviceGroup: "g"},
		"identities_token_id (token_id=?": {TokenID: "t"}, "sqlite_autoindex_identities_1 (name>?)": {},
	}
	check := func(index, clause string, args []any) {
		t.Helper()
		plan := strings.Join(plan(t, s, `SELECT name, doc FROM identities `+clause, args), "; ")
		if !strings.Contains(plan, index) || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s: want %q in the plan, got %s", clause, index, plan)
		}
	}
	for index, f := range pages {
		clause, args := identityPage(f, "a", 10)
		check(index, clause, args)
	}
	check("identities_changed ((changed,name)>(?,?))", identitiesSince, []any{1, "a", 10})
}

// checkPlan looks for one step of the plan, which must read an index alone, and for steps that must not be there.
func checkPlan(t *testing.T, s *Store, what, index, query string, args []any) {
	t.Helper()
	text := strings.Join(plan(t, s, query, args), "; ")
	// The one sort is of the rows that the page shows.
	if !strings.Contains(text, "COVERING INDEX") || !strings.Contains(text, index) || strings.Count(text, "TEMP B-TREE") > 1 {
		t.Errorf("%s: want %q in the plan, got %s", what, index, text)
	}
}

// plan are the steps in which SQLite would answer a query.
func plan(t *testing.T, s *Store, query string, args []any) []string {
	t.Helper()
	var steps []string
	err := each(t.Context(), s.reads, `EXPLAIN QUERY PLAN `+query, func(rows *sql.Rows) error {
		var id, parent, unused int
		var step string
		err := rows.Scan(&id, &parent, &unused, &step)
		steps = append(steps, step)
		return err
	}, args...)
	if err != nil {
		t.Fatal(err)
	}
	return steps
}
