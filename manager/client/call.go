package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"syscall"
	"time"
)

// maxAnswer is the most that is read of an answer in bytes; the largest that a manager gives is a page of reports.
const maxAnswer = 64 << 20

// A call is one call of the API, however many attempts it takes.
type call struct {
	method, path string // path is below /api/v2, escaped
	query        url.Values
	body         any // for json.Marshal; nil is none
	// what the call is about, for errors: do is "delete", kind "app", and name may be empty.
	do, kind, name string
}

// String says what the call does: `delete app "x"`.
func (c call) String() string { return c.do + " " + object(c.kind, c.name) }

func object(kind, name string) string {
	if name == "" {
		return kind
	}
	return fmt.Sprintf("%s %q", kind, name)
}

// repeatable reports whether making the call twice comes to the same as making it once. An update that is
// repeated may raise the object's id twice.
func (c call) repeatable() bool { return c.method != http.MethodPost }

// do makes the call and decodes its answer into answer, unless that is nil. attempts is how many it took.
func (c *Client) do(ctx context.Context, what call, answer any) (attempts int, err error) {
	var body []byte
	if what.body != nil {
		if body, err = json.Marshal(what.body); err != nil {
			return 0, fmt.Errorf("%v: %w", what, err)
		}
	}
	id := rand.Text()
	var content []byte
	attempts, err = c.retry(ctx, func() (wait time.Duration, again bool, err error) {
		content, wait, again, err = c.attempt(ctx, what, id, body)
		return wait, again, err
	})
	if err != nil {
		return attempts, err
	}
	if answer == nil {
		return attempts, nil
	}
	if err := json.Unmarshal(content, answer); err != nil {
		return attempts, fmt.Errorf("%v: the answer makes no sense, is %s a Muster?: %w", what, c.base, err)
	}
	return attempts, nil
}

// attempt makes one request. again is whether another one may fare better, after wait at least.
func (c *Client) attempt(ctx context.Context, what call, id string, body []byte) (content []byte, wait time.Duration, again bool, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.options.Timeout, errTimeout)
	defer cancel()
	r, err := c.request(ctx, what, id, body)
	if err != nil {
		return nil, 0, false, fmt.Errorf("%v: %w", what, err)
	}
	response, err := c.http.Do(r)
	if err != nil {
		return nil, 0, what.repeatable() && errors.Is(err, syscall.ECONNREFUSED), c.unreachable(ctx, what, err)
	}
	defer response.Body.Close()
	content, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err == nil && len(content) > maxAnswer {
		err = fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	if err != nil {
		return nil, 0, false, c.unreachable(ctx, what, err)
	}
	if response.StatusCode >= 200 && response.StatusCode < 300 {
		return content, 0, false, nil
	}
	// A manager that says 429 has done nothing yet.
	again = response.StatusCode == http.StatusTooManyRequests || what.repeatable() && response.StatusCode == http.StatusServiceUnavailable
	return nil, retryAfter(response.Header), again, newError(what, response, content)
}

func (c *Client) request(ctx context.Context, what call, id string, body []byte) (*http.Request, error) {
	target := c.base + "/api/v2" + what.path
	if len(what.query) > 0 {
		target += "?" + what.query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, what.method, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", c.options.UserAgent)
	r.Header.Set("X-Request-Id", id)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	switch {
	case c.options.Token != "":
		r.Header.Set("Authorization", "Bearer "+c.options.Token)
	case c.options.User != "":
		r.SetBasicAuth(c.options.User, c.options.Password)
	}
	return r, nil
}

// errTimeout is why an attempt ends that took too long.
var errTimeout = errors.New("no answer in time")

// unreachable tells why no answer came.
func (c *Client) unreachable(ctx context.Context, what call, err error) error {
	if whole, ok := errors.AsType[*url.Error](err); ok {
		err = whole.Err // without method and URL
	}
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errTimeout):
		err = fmt.Errorf("no answer within %v: %w", c.options.Timeout, context.DeadlineExceeded)
	case cause != nil:
		err = cause
	case errors.Is(err, syscall.ECONNREFUSED):
		err = fmt.Errorf("is a manager running there? %w", err)
	}
	return fmt.Errorf("%v: %s: %w", what, c.base, err)
}
