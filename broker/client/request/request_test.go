package request_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster/broker/client"
	"muster/broker/client/request"
)

// Payloads in these tests are "id:text".
func id(payload []byte) string {
	id, _, ok := strings.Cut(string(payload), ":")
	if !ok {
		return ""
	}
	return id
}

func reply(text string) client.Message { return client.Message{Payload: []byte(text)} }

func wantReply(t *testing.T, got []byte, err error, want string) {
	t.Helper()
	if err != nil || string(got) != want {
		t.Errorf("reply is %q, %v; want %q", got, err, want)
	}
}

func TestReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := request.New(id, request.Timeout)
		got, err := r.Do(t.Context(), "1", func(context.Context) error {
			time.AfterFunc(3*time.Second, func() { r.Handle(reply("1:pong")) })
			return nil
		})
		wantReply(t, got, err, "1:pong")
	})
}

// The reply may come before the broker's acknowledgement of the request, or instead of it.
func TestReplyBeforeAcknowledgement(t *testing.T) {
	for name, publish := range map[string]func(context.Context, *request.Requester) error{
		"acknowledged later": func(_ context.Context, r *request.Requester) error {
			r.Handle(reply("1:pong"))
			return nil
		},
		"never acknowledged": func(ctx context.Context, r *request.Requester) error {
			r.Handle(reply("1:pong"))
			<-ctx.Done()
			return ctx.Err()
		},
		"connection breaks": func(_ context.Context, r *request.Requester) error {
			r.Handle(reply("1:pong"))
			return client.ErrNotConnected
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := request.New(id, request.Timeout)
				start := time.Now()
				got, err := r.Do(t.Context(), "1", func(ctx context.Context) error { return publish(ctx, r) })
				wantReply(t, got, err, "1:pong")
				if took := time.Since(start); took != 0 {
					t.Errorf("the reply was handed out %v after it came", took)
				}
			})
		})
	}
}

func TestUnansweredIsRepeated(t *testing.T) {
	for name, unanswered := range map[string]func(context.Context) error{
		"acknowledged": func(context.Context) error { return nil },
		"not even acknowledged": func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := request.New(id, 10*time.Second)
				var at []time.Time
				got, err := r.Do(t.Context(), "1", func(ctx context.Context) error {
					at = append(at, time.Now())
					if len(at) == 4 {
						r.Handle(reply("1:pong"))
						r.Handle(reply("1:another"))
						return nil
					}
					return unanswered(ctx)
				})
				wantReply(t, got, err, "1:pong")
				for i := 1; i < len(at); i++ {
					if wait := at[i].Sub(at[i-1]); wait < 10*time.Second || wait > 12500*time.Millisecond {
						t.Errorf("repetition %d came after %v, want 10 s and up to a quarter more", i, wait)
					}
				}
			})
		})
	}
}

func TestRepetitionsAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var mu sync.Mutex
		waits := map[time.Duration]bool{}
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				r := request.New(id, 10*time.Second)
				_, _ = r.Do(t.Context(), "1", func(context.Context) error {
					mu.Lock()
					defer mu.Unlock()
					if waits[time.Since(start)] = true; time.Since(start) > 0 {
						r.Handle(reply(fmt.Sprint("1:", i)))
					}
					return nil
				})
			})
		}
		wg.Wait()
		if len(waits) < 10 {
			t.Errorf("20 requests were repeated at only %d different times", len(waits)-1)
		}
	})
}

func TestEndedContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := request.New(id, request.Timeout)
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		defer cancel()
		start, published := time.Now(), 0
		_, err := r.Do(ctx, "1", func(context.Context) error { published++; return nil })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v", err)
		}
		if took := time.Since(start); took != 25*time.Second || published < 2 || published > 3 {
			t.Errorf("took %v and published %d times", took, published)
		}
		r.Handle(reply("1:late")) // dropped, and not kept for the next request with the id
		got, err := r.Do(t.Context(), "1", func(context.Context) error {
			time.AfterFunc(time.Second, func() { r.Handle(reply("1:new")) })
			return nil
		})
		wantReply(t, got, err, "1:new")
	})
}

func TestPublishErrorIsReturnedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := request.New(id, request.Timeout)
		start := time.Now()
		_, err := r.Do(t.Context(), "1", func(context.Context) error { return client.ErrNotConnected })
		if !errors.Is(err, client.ErrNotConnected) || time.Since(start) != 0 {
			t.Errorf("error is %v after %v", err, time.Since(start))
		}
	})
}

func TestOthersReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := request.New(id, request.Timeout)
		var wg sync.WaitGroup
		for _, who := range []string{"a", "b", "c"} {
			wg.Go(func() {
				got, err := r.Do(t.Context(), who, func(context.Context) error { return nil })
				wantReply(t, got, err, who+":x")
			})
		}
		synctest.Wait()
		if _, err := r.Do(t.Context(), "a", func(context.Context) error { return nil }); !errors.Is(err, request.ErrInFlight) {
			t.Errorf("the same id twice: %v, want ErrInFlight", err)
		}
		for _, m := range []string{"d:x", "without id", "", ":x", "c:x", "b:x", "a:x", "a:y"} {
			r.Handle(reply(m))
		}
		wg.Wait()
	})
}
