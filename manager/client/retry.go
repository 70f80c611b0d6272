package client

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// The first wait is about firstWait, drawn at random between half and one and a half of it; the next are longer.
const firstWait = 200 * time.Millisecond

// retry calls try until it succeeds or says that trying again is of no use, or time is up. It gives the error
// of the last try, and how many there were.
func (c *Client) retry(ctx context.Context, try func() (wait time.Duration, again bool, err error)) (tries int, err error) {
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval = firstWait
	var last error
	_, err = backoff.Retry(ctx, func() (struct{}, error) {
		tries++
		wait, again, err := try()
		last = err
		switch {
		case err == nil:
			return struct{}{}, nil
		case !again || c.options.Retry < 0:
			return struct{}{}, backoff.Permanent(err)
		case wait > 0:
			return struct{}{}, &backoff.RetryAfterError{Duration: wait}
		}
		return struct{}{}, err
	}, backoff.WithBackOff(waits), backoff.WithMaxElapsedTime(c.options.Retry))
	if err == nil || errors.Is(err, context.Canceled) {
		return tries, err
	}
	return tries, last
}

// retryAfter is the wait that an answer asks for in seconds, 0 if it asks for none.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
