package api_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"muster/manager/api"
	"muster/manager/auth"
)

// Past too many guesses the answer says so, and when to come back.
func TestTooManyGuesses(t *testing.T) {
	m := newManager(t)
	m.fill()
	var w *httptest.ResponseRecorder
	for i := range 100 {
		if w = m.as("ann", fmt.Sprint("guess", i))("GET", "/status", ""); w.Code != 401 {
			break
		}
	}
	wantJSON(t, w, 429, `{"error": "too many wrong credentials, try again later"}`)
	if after, err := strconv.Atoi(w.Header().Get("Retry-After")); err != nil || after < 1 || after > 5 {
		t.Errorf("Retry-After %q, want the seconds to wait", w.Header().Get("Retry-After"))
	}
	if w.Header().Get("WWW-Authenticate") != "" {
		t.Error("a 429 asks for other credentials")
	}
	if strings.Contains(m.log.String(), "guess") || !strings.Contains(m.log.String(), "status=429") {
		t.Error("the log must have the refusal, and not the guess")
	}
	wantJSON(t, m.do("GET", "/status", ""), 200, `{"api_available": true}`)
}

// A guesser is whoever has guessed too often.
type guesser struct {
	api.Authenticator
	after time.Duration
}

func (g guesser) REST(*http.Request) (auth.Identity, error) {
	return auth.Identity{}, &auth.TooManyError{After: g.after}
}

// Whoever comes back when they were told to is not told to wait again: part of a second counts as one.
func TestRetryAfter(t *testing.T) {
	s := openStore(t)
	for after, want := range map[time.Duration]string{4200 * time.Millisecond: "5", 3 * time.Second: "3", time.Millisecond: "1"} {
		h, err := api.New(api.Options{
			Store: s, Configs: newMaker(s), Auth: guesser{after: after}, Fleet: idleFleet(s), Enrollment: idleDesk(t, s), Changed: func(string) {}, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/api/v2/status", nil))
		if got := w.Header().Get("Retry-After"); w.Code != 429 || got != want {
			t.Errorf("%v: %d, Retry-After %q, want %q", after, w.Code, got, want)
		}
	}
}
