package metrics_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// The names, units and help texts are as Prometheus would have them.
func TestLint(t *testing.T) {
	m := watched(t)
	m.Request("/api/v2/apps", "GET", 200, time.Millisecond)
	m.Store(failing{openStore(t), os.ErrPermission}).Apps().Get(t.Context(), "web")
	if value(t, m, "muster_store_errors_total", map[string]string{"kind": "app", "operation": "get"}) != 1 {
		t.Error("there is no error to look at")
	}
	problems, err := testutil.GatherAndLint(m.Gatherer())
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
}

// The list in docs/operations.md is complete and has nothing that there is not.
func TestDocumentedMetrics(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := make(map[string]bool)
	for _, row := range regexp.MustCompile("(?m)^\\| `(muster_[a-z_]+)").FindAllSubmatch(page, -1) {
		documented[string(row[1])] = true
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(names(t, watched(t)))), slices.Sorted(maps.Keys(documented))); diff != "" {
		t.Errorf("metrics (-there +documented):\n%s", diff)
	}
}

// What a client makes up does not become a series of its own.
func TestMethodsAreBounded(t *testing.T) {
	m := watched(t)
	for _, method := range []string{"BREW", "PROPFIND", "get"} {
		m.Request("none", method, 405, 0)
	}
	if got := value(t, m, "muster_http_request_duration_seconds", map[string]string{"route": "none", "method": "other", "code": "405"}); got != 3 {
		t.Errorf("%v requests with other methods, want 3", got)
	}
}
