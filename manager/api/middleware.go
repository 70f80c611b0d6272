package api

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"muster/manager/auth"
	"muster/topics"
)

// A trace is what the log says about one request besides what was asked and answered. The handlers of the
// request fill it in.
type trace struct {
	requestID string
	route     string
	by        string
	// claimed is the user who somebody says that he is, and was not believed.
	claimed string
	probe   bool
	err     error
}

type traceKey struct{}

func traceFrom(ctx context.Context) *trace {
	if t, ok := ctx.Value(traceKey{}).(*trace); ok {
		return t
	}
	return &trace{}
}

// trace gives a request its id and logs one line about it, without its body and credentials. Every answer
// is JSON and nobody keeps a copy of it.
func (a *api) trace(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		t := &trace{requestID: requestID(r)}
		w.Header().Set("X-Request-Id", t.requestID)
		secure(w.Header(), r)
		sw := &statusWriter{ResponseWriter: w}
		next.ServeHTTP(sw, r.WithContext(context.WithValue(r.Context(), traceKey{}, t)))
		if t.route == "" {
			t.route = routeOf(r)
		}

		took := time.Since(start)
		a.observe(t.route, r.Method, sw.status, took)

		attrs := []slog.Attr{
			slog.String("request_id", t.requestID), slog.String("method", r.Method),
			slog.String("path", r.URL.Path), slog.String("route", t.route), slog.Int("status", sw.status),
			slog.Duration("duration", took), slog.String("by", t.by),
			slog.String("remote", r.RemoteAddr),
		}
		if t.claimed != "" {
			attrs = append(attrs, slog.String("user", t.claimed))
		}
		if t.err != nil {
			attrs = append(attrs, slog.Any("error", t.err))
		}
		level := logLevel(t, r.Method, sw.status)
		if a.refusals.again(r, sw.status, t.err) {
			level = slog.LevelDebug
		}
		a.log.LogAttrs(r.Context(), level, "request", attrs...)
	})
}

// logLevel has the log show failures, changes and refused logins, and on request those who only look. A probe that
// is told 503 is one who looks: what is wrong is logged where it goes wrong.
func logLevel(t *trace, method string, status int) slog.Level {
	switch looks := method == http.MethodGet || method == http.MethodHead; {
	case t.probe:
		return slog.LevelDebug
	case status >= 500:
		return slog.LevelError
	case looks && status != http.StatusUnauthorized && status != http.StatusTooManyRequests:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// requestID is the client's own id for the request when it is fit for a log, else a new one.
func requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	if len(id) == 0 || len(id) > topics.MaxRequestID {
		return rand.Text()
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return rand.Text()
		}
	}
	return id
}

// statusWriter remembers which status was sent.
type statusWriter struct {
	http.ResponseWriter
	status int // 0 before the header is written
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// recoverPanic turns a bug in the handling of one request into a 500 for that request.
func (a *api) recoverPanic(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				a.fail(w, r, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// authenticate lets a request through when it is known who makes it.
func (a *api) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		id, err := a.auth.REST(r.WithContext(ctx))
		if err != nil {
			if user, _, ok := r.BasicAuth(); ok {
				traceFrom(r.Context()).claimed = fmt.Sprintf("%.80s", user)
			}
			a.fail(w, r, err)
			return
		}
		traceFrom(r.Context()).by = id.Name
		next.ServeHTTP(w, r.WithContext(auth.WithIdentity(r.Context(), id)))
	})
}
