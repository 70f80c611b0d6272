package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"muster/topics"
)

// A script answers requests in order; the last answer is repeated. It is a transport.
type script struct {
	answers  []answer
	requests []*http.Request
	at       []time.Time
}

type answer struct {
	status     int // 0 is err
	body       string
	retryAfter string
	err        error
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	a := s.answers[min(len(s.requests), len(s.answers)-1)]
	s.requests, s.at = append(s.requests, r), append(s.at, time.Now())
	if a.status == 0 {
		if a.err == nil { // hang
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		return nil, a.err
	}
	header := http.Header{}
	if a.retryAfter != "" {
		header.Set("Retry-After", a.retryAfter)
	}
	return &http.Response{StatusCode: a.status, Status: fmt.Sprint(a.status, " ", http.StatusText(a.status)), Header: header, Request: r, Body: io.NopCloser(strings.NewReader(a.body))}, nil
}

func play(t *testing.T, o Options, answers ...answer) (*Client, *script) {
	t.Helper()
	if o.URL == "" {
		o.URL = "http://127.0.0.1:8080"
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{answers: answers}
	c.http.Transport = s
	return c, s
}

var (
	refused = answer{err: &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}}
	reset   = answer{err: &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}}
	busy    = answer{status: 503, body: `{"error": "unavailable, try again later", "request_id": "r1"}`}
	tooMany = answer{status: 429, body: `{"error": "too many"}`}
	broken  = answer{status: 500, body: `{"error": "internal error", "request_id": "r1"}`}
	app     = answer{status: 200, body: `{"app_id": 7, "app_name": "x", "docker_image": "i", "containers_per": {"server": 1}}`}
	none    = answer{status: 403, body: `{"app_exists": false}`}
)

func TestWhatIsTriedAgain(t *testing.T) {
	get := func(c *Client) error { _, err := c.Apps().Get(context.Background(), "x"); return err }
	update := func(c *Client) error {
		_, err := c.Apps().Update(context.Background(), "x", map[string]any{"running": true})
		return err
	}
	remove := func(c *Client) error { return c.Apps().Delete(context.Background(), "x") }
	create := func(c *Client) error {
		_, err := c.Apps().Create(context.Background(), "x", topics.NewApp("x", "i"))
		return err
	}
	restart := func(c *Client) error { _, err := c.RestartApp(context.Background(), "x"); return err }
	for _, tc := range []struct {
		name    string
		call    func(*Client) error
		answers []answer
		tries   int
		want    string // in the error
	}{
		{"get after 503", get, []answer{busy, busy, app}, 3, ""},
		{"get after 429", get, []answer{tooMany, app}, 2, ""},
		{"get after a refused connection", get, []answer{refused, app}, 2, ""},
		{"update after 503", update, []answer{busy, app}, 2, ""},
		{"delete after 503", remove, []answer{busy, app}, 2, ""},
		{"deleted by the first attempt", remove, []answer{busy, none}, 2, ""},
		{"deleted by others", remove, []answer{none}, 1, "does not exist"},
		{"create after 429", create, []answer{tooMany, app}, 2, ""},
		{"restart after 429", restart, []answer{tooMany, tooMany, app}, 3, ""},
		{"create", create, []answer{busy, app}, 1, "unavailable, try again later (request"},
		{"create, connection refused", create, []answer{refused, app}, 1, "connection refused"},
		{"restart", restart, []answer{busy, app}, 1, "unavailable"},
		{"500", get, []answer{broken, app}, 1, "internal error"},
		{"connection lost", get, []answer{reset, app}, 1, "connection reset"},
		{"not there", get, []answer{none, app}, 1, "does not exist"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := play(t, Options{}, tc.answers...)
				err := tc.call(c)
				if len(s.requests) != tc.tries || (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
					t.Errorf("%d tries, %v, want %d and %q", len(s.requests), err, tc.tries, tc.want)
				}
			})
		})
	}
}

// Clients that meet the same trouble do not come back together, and none comes back for ever.
func TestWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		firsts := map[time.Duration]bool{}
		for range 20 {
			c, s := play(t, Options{Retry: 5 * time.Second}, busy)
			start := time.Now()
			_, err := c.Apps().Get(t.Context(), "x")
			if refusal := new(Error); !errors.As(err, &refusal) || refusal.Status != 503 {
				t.Fatalf("error is %v, want the last answer", err)
			}
			first := s.at[1].Sub(s.at[0])
			if took := time.Since(start); took > 5*time.Second || len(s.at) < 4 || first < firstWait/2 || first > firstWait*3/2 {
				t.Fatalf("%d tries in %v, the second after %v", len(s.at), took, first)
			}
			firsts[first] = true
		}
		if len(firsts) < 15 {
			t.Errorf("%d different waits in 20", len(firsts))
		}
	})
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait := tooMany
		wait.retryAfter = "3"
		c, s := play(t, Options{}, wait, app)
		if _, err := c.Apps().Get(t.Context(), "x"); err != nil || s.at[1].Sub(s.at[0]) != 3*time.Second {
			t.Errorf("%v, tries at %v", err, s.at)
		}
		wait.retryAfter = "3600"
		c, s = play(t, Options{}, wait, app)
		start := time.Now()
		_, err := c.Apps().Get(t.Context(), "x")
		if err == nil || !strings.Contains(err.Error(), "too many") || len(s.at) != 1 || time.Since(start) != 0 {
			t.Errorf("an hour: %v after %v and %d tries", err, time.Since(start), len(s.at))
		}
	})
}

func TestNever(t *testing.T) {
	c, s := play(t, Options{Retry: -1}, busy, app)
	if _, err := c.Apps().Get(t.Context(), "x"); err == nil || len(s.requests) != 1 {
		t.Errorf("%v after %d tries", err, len(s.requests))
	}
}

func TestTimeoutAndCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := play(t, Options{Timeout: 7 * time.Second}, answer{})
		start := time.Now()
		_, err := c.Apps().Get(t.Context(), "x")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 7*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if want := `get app "x": http://127.0.0.1:8080: no answer within 7s: context deadline exceeded`; err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
		for _, first := range []answer{{}, busy} { // while it waits for an answer, and for the next attempt
			c, _ = play(t, Options{}, first)
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(50*time.Millisecond, cancel)
			if _, err := c.Apps().Get(ctx, "x"); !errors.Is(err, context.Canceled) {
				t.Errorf("canceled: %v", err)
			}
		}
	})
}
