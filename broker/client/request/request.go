// Package request asks questions over MQTT: it publishes a request and waits for the reply that names it.
//
// A request and its reply share an id in their payloads, so that this works with clients and brokers that
// have no MQTT 5 properties. Data flows in two directions that meet in a map: [Requester.Do] registers an
// id, publishes, and waits; [Requester.Handle] is the handler of the topic on which the replies arrive and
// gives each one to who waits for its id.
package request

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"muster/broker/client"
)

// Timeout is the usual time after which an unanswered request is repeated.
const Timeout = 10 * time.Second

// ErrInFlight says that a request with that id is being waited for already.
var ErrInFlight = errors.New("a request with this id is in flight")

// errAnswered ends the publishing of a request whose reply is there.
var errAnswered = errors.New("answered")

// A Requester matches replies with requests. Its methods may be called from several goroutines.
type Requester struct {
	id      func(payload []byte) string
	timeout time.Duration

	mu      sync.Mutex
	waiting map[string]*waiter
}

// A waiter is a request in flight.
type waiter struct {
	// reply holds one reply, so that one that arrives before anybody waits for it is kept, even before the
	// broker has acknowledged the request.
	reply chan []byte
	// answered ends the publishing.
	answered context.CancelCauseFunc
}

// New makes a Requester. id finds the request's id in the payload of a reply; "" is none. A request that
// has no reply after timeout is published again, with up to a quarter more at random, so that those who
// asked at the same moment do not repeat at the same moment.
func New(id func(payload []byte) string, timeout time.Duration) *Requester {
	return &Requester{id: id, timeout: timeout, waiting: map[string]*waiter{}}
}

// Handle takes a reply; it is the [client.Handler] of the topic where they arrive. It does not block.
// Replies that nobody waits for, or that were given before, are dropped.
func (r *Requester) Handle(m client.Message) {
	id := r.id(m.Payload)
	r.mu.Lock()
	w := r.waiting[id]
	r.mu.Unlock()
	if w == nil {
		return
	}
	select {
	case w.reply <- m.Payload:
		w.answered(errAnswered)
	default: // the answer to a repetition
	}
}

// Do publishes the request with that id, which must not be empty, and returns the payload of its reply. It
// calls publish, with a context that ends when the reply is there, and again after each timeout. It fails
// with publish's error at once, with ctx's error when that ends first, and with [ErrInFlight].
func (r *Requester) Do(ctx context.Context, id string, publish func(context.Context) error) ([]byte, error) {
	publishing, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := &waiter{reply: make(chan []byte, 1), answered: cancel}
	if err := r.add(id, w); err != nil {
		return nil, err
	}
	defer r.remove(id)
	for {
		err := r.attempt(publishing, publish)
		select {
		case reply := <-w.reply:
			return reply, nil
		default:
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("request %q has no reply: %w", id, ctx.Err())
		}
		if err != nil {
			return nil, fmt.Errorf("request %q: %w", id, err)
		}
	}
}

// attempt publishes once and waits until there is a reply or it is time for the next attempt.
func (r *Requester) attempt(publishing context.Context, publish func(context.Context) error) error {
	attempt, cancel := context.WithTimeout(publishing, r.timeout+rand.N(r.timeout/4+1))
	defer cancel()
	if err := publish(attempt); err != nil && attempt.Err() == nil {
		return err
	}
	<-attempt.Done()
	return nil
}

func (r *Requester) add(id string, w *waiter) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting[id] != nil {
		return fmt.Errorf("request %q: %w", id, ErrInFlight)
	}
	r.waiting[id] = w
	return nil
}

func (r *Requester) remove(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.waiting, id)
}
