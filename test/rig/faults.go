package rig

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
)

// On has a fault meet only the requests whose path contains part, such as "/manifests/" or "/blobs/".
func On(part string, fault Fault) Fault {
	return func(next http.Handler) http.Handler {
		faulty := fault(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, part) {
				faulty.ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// Answer answers with that status, those headers (name, value, …) and that body.
func Answer(status int, body string, headers ...string) Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i+1 < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body)) // whoever asked may be gone
		})
	}
}

// Corrupt changes a byte of each body, in its middle, that is at least that long.
func Corrupt(length int64) Fault {
	return onBodies(func(w *body, p []byte) []byte {
		if i := w.length/2 - w.written; w.length >= length && i >= 0 && i < int64(len(p)) {
			p = append([]byte(nil), p...)
			p[i] ^= 1
		}
		return p
	})
}

// CutAfter closes the connection once that many bytes of a body were sent.
func CutAfter(limit int64) Fault {
	return onBodies(func(w *body, p []byte) []byte {
		if left := limit - w.written; left < int64(len(p)) {
			_, _ = w.ResponseWriter.Write(p[:left])
			_ = http.NewResponseController(w.ResponseWriter).Flush()
			panic(http.ErrAbortHandler)
		}
		return p
	})
}

// Count adds up the bytes of the bodies that are sent.
func Count(sent *atomic.Int64) Fault {
	return onBodies(func(_ *body, p []byte) []byte {
		sent.Add(int64(len(p)))
		return p
	})
}

// A body is one that a fault looks at while it is sent.
type body struct {
	http.ResponseWriter
	change          func(*body, []byte) []byte
	length, written int64
}

func onBodies(change func(*body, []byte) []byte) Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(&body{ResponseWriter: w, change: change}, r)
		})
	}
}

func (w *body) WriteHeader(status int) {
	// Without a length the body is none that engines fetch.
	_, _ = fmt.Sscan(w.Header().Get("Content-Length"), &w.length)
	w.ResponseWriter.WriteHeader(status)
}

func (w *body) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(w.change(w, p))
	w.written += int64(n)
	return n, err
}

// Unwrap is for [http.ResponseController].
func (w *body) Unwrap() http.ResponseWriter { return w.ResponseWriter }
