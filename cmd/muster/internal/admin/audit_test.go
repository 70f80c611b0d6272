package admin_test

import (
	"encoding/json"
	"strings"
	"testing"

	"muster/manager/store"
)

func TestAudit(t *testing.T) {
	shops(t)
	for range 120 { // several pages
		if r := muster(t, "restart", "app", "web"); r.code != 0 {
			t.Fatalf("%+v", r)
		}
	}
	muster(t, "delete", "cron_job", "nightly")
	r := muster(t, "get", "audit", "--limit", "2")
	lines := strings.Split(r.stdout, "\n")
	if r.code != 0 || len(lines) != 4 || !strings.HasPrefix(lines[0], "AT ") || !strings.Contains(lines[1], "root") ||
		!strings.Contains(lines[1], "delete   cron_job  nightly") || !strings.Contains(lines[2], "restart  app       web") {
		t.Errorf("%+v", r)
	}
	for args, want := range map[string]int{"--limit 0": 121, "--kind cron_job": 1, "--name web --limit 0": 120, "--by nobody": 0} {
		var entries []store.AuditEntry
		r := muster(t, append([]string{"get", "audit", "-o", "json"}, strings.Fields(args)...)...)
		if err := json.Unmarshal([]byte(r.stdout), &entries); err != nil || len(entries) != want {
			t.Errorf("%s: %d entries, %v, want %d: %s", args, len(entries), err, want, r.stderr)
		}
	}
	if r := muster(t, "get", "audit", "--kind", "report"); r.code != 1 || !strings.HasPrefix(r.stderr, "muster: audit: kind: must be one of") {
		t.Errorf("%+v", r)
	}
}
