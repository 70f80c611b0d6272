package api

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
)

// probes lets those answer who need no credentials, before anybody asks for some.
func (a *api) probes(probes map[string]http.HandlerFunc) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			probe, ok := probes[r.URL.Path]
			if !ok {
				next.ServeHTTP(w, r)
				return
			}
			t := traceFrom(r.Context())
			t.route, t.probe = r.URL.Path, true
			if r.Method != http.MethodGet && r.Method != http.MethodHead {
				w.Header().Set("Allow", "GET, HEAD")
				a.fail(w, r, errMethod)
				return
			}
			probe(w, r)
		})
	}
}

// noRoute stands for all paths that are not there.
const noRoute = "none"

// routeOf is the pattern of the route that a request took, or would have taken had it not been refused before. There
// are only so many, whatever paths people ask for.
func routeOf(r *http.Request) string {
	taken := chi.RouteContext(r.Context())
	pattern := taken.RoutePattern()
	if pattern == "" {
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		pattern = taken.Routes.Find(chi.NewRouteContext(), method, r.URL.EscapedPath())
	}
	if pattern == "" || strings.HasSuffix(pattern, "*") {
		return noRoute
	}
	return pattern
}
