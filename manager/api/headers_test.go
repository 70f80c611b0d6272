package api_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"muster/manager/api"
)

// Every answer, refusals and probes included, says what a browser must not make of it.
func TestSecurityHeaders(t *testing.T) {
	m := newManagerWith(t, openStore(t), func(o *api.Options) {
		o.Probes = map[string]http.HandlerFunc{"/healthz": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }}
	})
	for path, status := range map[string]int{
		"/api/v2/status": 200, "/api/v2/apps/none": 403, "/api/v2/none": 404, "/none": 404, "/healthz": 200, "/api/v2/docs": 200, "/api/v2/openapi.json": 200,
		"/api/v2/docs/docs.js": 200,
	} {
		for _, known := range []bool{true, false} {
			r := httptest.NewRequest("GET", path, nil)
			want := status
			if known {
				r.SetBasicAuth(user, password)
			} else if path != "/healthz" {
				want = 401
			}
			w := httptest.NewRecorder()
			m.bare.ServeHTTP(w, r)
			h := w.Header()
			for name, value := range map[string]string{
				"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin",
				"Strict-Transport-Security": "",
			} {
				if h.Get(name) != value {
					t.Errorf("%s: %s is %q, want %q", path, name, h.Get(name), value)
				}
			}
			policy := h.Get("Content-Security-Policy")
			for _, rule := range []string{"default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} {
				if !strings.Contains(policy, rule) {
					t.Errorf("%s: Content-Security-Policy %q has no %s", path, policy, rule)
				}
			}
			if kept := h.Get("Cache-Control"); w.Code != want || kept != "no-store" && (w.Code != 200 || kept != "private, no-cache") {
				t.Errorf("%s: status %d, want %d; Cache-Control %q", path, w.Code, want, kept)
			}
		}
	}
}

// Whoever came over TLS by a name comes back over TLS. A browser would take the promise of localhost for all that runs
// on the machine.
func TestStrictTransportSecurity(t *testing.T) {
	m := newManager(t)
	for host, want := range map[string]string{
		"manager.example": "max-age=31536000", "manager.example:8443": "max-age=31536000", "localhost.example": "max-age=31536000",
		"localhost": "", "localhost:8443": "", "LOCALHOST.:8443": "", "a.localhost:1": "",
	} {
		r := m.request("GET", "/status", "")
		r.Host, r.TLS = host, &tls.ConnectionState{}
		if got := m.serve(r).Header().Get("Strict-Transport-Security"); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
}
