package openapitest

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"testing"

	"github.com/go-chi/chi/v5"
)

// A router holds every exchange that goes through it to the document.
type router struct {
	chi.Router
	t testing.TB
	c *Contract
}

// Handler is the API with a check in front: every answer must be as documented, and so must every request that is
// accepted. What is not makes the test fail. Benchmarks get the API as it is, since they measure it.
func Handler(t testing.TB, h http.Handler) http.Handler {
	t.Helper()
	if _, measures := t.(*testing.B); measures {
		return h
	}
	return router{h.(chi.Router), t, Load(t)}
}

func (d router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var sent bytes.Buffer
	forwarded := *r
	forwarded.Body = io.NopCloser(io.TeeReader(r.Body, &sent))
	answer := &copyingWriter{ResponseWriter: w, status: http.StatusOK}
	d.Router.ServeHTTP(answer, &forwarded)

	body := answer.body.Bytes()
	if w.Header().Get("Content-Encoding") == "gzip" {
		body = gunzip(d.t, body)
	}
	err := d.c.Check(Exchange{r.Method, r.URL, sent.Bytes(), answer.status, w.Header(), body})
	if err == nil {
		return
	}
	if _, fuzzes := d.t.(*testing.F); fuzzes {
		panic(err) // a fuzz target may not use the F that it was made by
	}
	d.t.Errorf("%s %s is not as documented: %v\nstatus %d, body %.1000s", r.Method, r.URL, err, answer.status, body)
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
