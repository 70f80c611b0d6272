package api_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"testing"

	"github.com/go-chi/chi/v5"
)

// A documentedRouter holds every answer that goes through it to the OpenAPI document, and every request that
// was accepted.
type documentedRouter struct {
	chi.Router
	t      testing.TB
	c      *contract
	routes map[string]bool
}

// documented puts the check in front of the API.
func documented(t testing.TB, h http.Handler) http.Handler {
	t.Helper()
	d := documentedRouter{h.(chi.Router), t, theContract(t), map[string]bool{}}
	err := chi.Walk(d, func(_, path string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		d.routes[path] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (d documentedRouter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := exchange{method: r.Method, query: r.URL.Query()}
	if x.method == http.MethodHead {
		x.method = http.MethodGet // the answer is that of GET, but for the body
	}
	path := r.URL.RawPath
	if path == "" {
		path = r.URL.Path
	}
	if found := chi.NewRouteContext(); d.Match(found, x.method, path) && d.routes[found.RoutePattern()] {
		x.route = found.RoutePattern()
	}
	var sent bytes.Buffer
	forwarded := *r
	forwarded.Body = io.NopCloser(io.TeeReader(r.Body, &sent))
	answer := &copyingWriter{ResponseWriter: w, status: http.StatusOK}
	d.Router.ServeHTTP(answer, &forwarded)

	x.sent, x.status, x.header, x.body = sent.Bytes(), answer.status, w.Header(), answer.body.Bytes()
	if w.Header().Get("Content-Encoding") == "gzip" {
		x.body = gunzip(d.t, x.body)
	}
	x.noBody = r.Method == http.MethodHead && len(x.body) == 0
	if err := d.c.check(x); err != nil {
		d.t.Errorf("%s %s is not as documented: %v\nstatus %d, body %.1000s", r.Method, r.URL, err, x.status, x.body)
	}
}

// copyingWriter keeps a copy of what is answered.
type copyingWriter struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (w *copyingWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *copyingWriter) Write(p []byte) (int, error) {
	w.body.Write(p)
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *copyingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func gunzip(t testing.TB, packed []byte) []byte {
	t.Helper()
	if len(packed) == 0 {
		return nil // in answer to HEAD
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}
