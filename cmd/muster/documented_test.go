package main

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"muster/manager/api/openapi/openapitest"
	"muster/manager/health"
)

// What answers without a login is in the OpenAPI document, nothing else there is, and it answers as it says there.
func TestProbesAreDocumented(t *testing.T) {
	connected := true
	state := health.New(health.Options{
		Store:  func(context.Context) error { return nil },
		Broker: func() bool { return connected },
		Log:    slog.New(slog.DiscardHandler),
	})
	c := openapitest.Load(t)
	documented := []string{}
	c.Operations(func(method, path string, op openapitest.Place) {
		if op.At("x-right").Value == "nobody" && method == http.MethodGet {
			documented = append(documented, path)
		}
	})
	served := probes(state)
	if diff := cmp.Diff(documented, slices.Sorted(maps.Keys(served))); diff != "" {
		t.Errorf("documented and served (-want +got):\n%s", diff)
	}
	seen := map[int]bool{}
	for _, connected = range []bool{true, false} {
		for path, probe := range served {
			r, w := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil), httptest.NewRecorder()
			probe(w, r)
			seen[w.Code] = true
			if err := c.Check(openapitest.Exchange{Method: r.Method, URL: r.URL, Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}); err != nil {
				t.Errorf("%s, broker connected %t: %d %s: %v", path, connected, w.Code, w.Body, err)
			}
		}
	}
	if !seen[200] || !seen[503] {
		t.Errorf("statuses %v, want 200 and 503", seen)
	}
}
