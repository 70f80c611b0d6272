package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"muster/manager/auth"
)

// A handler answers a request with a status and a body for json.Marshal, or one that is [verbatim] or an
// [http.Handler], which writes itself with its status, or with an error that [answerTo] understands.
type handler func(r *http.Request) (status int, body any, err error)

// verbatim is JSON that is answered byte for byte.
type verbatim []byte

// handle makes a handler usable by net/http. The body it reads is limited to [maxBody] and the request to
// [requestTimeout].
func (a *api) handle(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		status, body, err := h(r)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		a.answer(w, r, status, body)
	}
}

// refuse is a handler that always fails.
func refuse(err error) handler {
	return func(*http.Request) (int, any, error) { return 0, nil, err }
}

func (a *api) answer(w http.ResponseWriter, r *http.Request, status int, body any) {
	var encoded []byte
	switch body := body.(type) {
	case http.Handler:
		body.ServeHTTP(w, r)
		return
	case verbatim:
		encoded = body
	default:
		var err error
		if encoded, err = json.Marshal(body); err != nil {
			a.fail(w, r, fmt.Errorf("encode the answer: %w", err))
			return
		}
		encoded = append(encoded, '\n')
	}
	w.WriteHeader(status)
	_, _ = w.Write(encoded) // a client that is gone needs no answer
}

// fail answers with what err means to the client, and leaves err itself to the log where the client is
// not told all of it.
func (a *api) fail(w http.ResponseWriter, r *http.Request, err error) {
	t := traceFrom(r.Context())
	status, body := a.answerTo(r.Context(), err, t.requestID)
	if status >= 500 || status == http.StatusUnauthorized || status == http.StatusTooManyRequests {
		t.err = err
	}
	if tooMany, ok := errors.AsType[*auth.TooManyError](err); ok {
		retryAfter(w, tooMany.After)
	}
	if tooOften, ok := errors.AsType[*tooOftenError](err); ok {
		retryAfter(w, tooOften.after)
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="nebula"`)
		w.Header().Set("Connection", "close") // strangers hold no connections
	}
	a.answer(w, r, status, body)
}

// retryAfter tells the client to wait, at least the whole time.
func retryAfter(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
}

// methodNotAllowed answers 405 with the methods that the path does have.
func (a *api) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	routes := chi.RouteContext(r.Context()).Routes
	var allowed []string
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
		lookup := method
		if method == "HEAD" {
			lookup = "GET"
		}
		if routes.Match(chi.NewRouteContext(), lookup, r.URL.EscapedPath()) {
			allowed = append(allowed, method)
		}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	a.fail(w, r, errMethod)
}

// pathName is the part of the path that names a document. Whether it can is not checked yet.
func pathName(r *http.Request, param string) string {
	name := chi.URLParam(r, param)
	if r.URL.RawPath == "" {
		return name
	}
	// chi has matched the path as it was sent, with its escapes.
	if unescaped, err := url.PathUnescape(name); err == nil {
		return unescaped
	}
	return name
}
