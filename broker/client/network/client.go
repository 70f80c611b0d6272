// Package network is the [client.Client] that reaches its broker over a network, in MQTT 5 over TCP, TLS or
// WebSockets.
//
// It stands on the packets and the protocol of github.com/eclipse/paho.golang/paho, and keeps the
// connection itself: docs/decisions/mqtt-client.md says why.
//
// One goroutine ([Client.run]) owns the connection: it connects, tells the broker the subscriptions, waits
// for the end, and starts over. Another calls the functions of OnUp. Handlers are called by the library's,
// of which there is one per connection; the next connection is not made before it has ended.
package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"muster/broker/client"
)

// A Client is one identity at a broker, connected or trying to be. It is made by [Dial].
type Client struct {
	options Options
	where   endpoint
	// open connects to where; prepared options have an address of their own.
	open func(context.Context) (net.Conn, error)

	subs subscriptions
	// subscribed and announce wake the two goroutines.
	subscribed, announce chan struct{}

	mu      sync.Mutex
	current *connection // the latest whose subscriptions were in place; it may have ended
	ups     []*up
	closing atomic.Bool

	cancel context.CancelFunc
	wg     sync.WaitGroup
	closed sync.Once
}

var _ client.Client = (*Client)(nil)

// An up is a function that wants to know of connections, and the last one it was told of.
type up struct {
	f    func()
	told *connection
}

// Dial returns a client that connects, and stays connected, until Close. It does not wait for the
// connection. It fails only when an option is wrong; the error says what was expected.
func Dial(o Options) (*Client, error) {
	o, where, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	return start(o, where, func(ctx context.Context) (net.Conn, error) { return where.open(ctx, o.TLS) }), nil
}

func start(o Options, where endpoint, open func(context.Context) (net.Conn, error)) *Client {
	ctx, cancel := context.WithCancel(context.Background())
	c := &Client{
		options: o, where: where, open: open,
		subscribed: make(chan struct{}, 1), announce: make(chan struct{}, 1),
		cancel: cancel,
	}
	c.wg.Go(func() { c.run(ctx) })
	c.wg.Go(func() { c.announceUps(ctx) })
	return c
}

// Publish implements [client.Client].
func (c *Client) Publish(ctx context.Context, m client.Message) error {
	if c.closing.Load() {
		return client.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("publish to %.80q: %w", m.Topic, err)
	}
	if err := checkMessage(m); err != nil {
		return fmt.Errorf("%w: %w", client.ErrRefused, err)
	}
	n := c.connected()
	if n == nil {
		return fmt.Errorf("publish to %.80q: %w", m.Topic, client.ErrNotConnected)
	}
	if err := n.publish(ctx, m); err != nil {
		if c.closing.Load() {
			return client.ErrClosed
		}
		return fmt.Errorf("publish to %.80q: %w", m.Topic, err)
	}
	return nil
}

// Subscribe implements [client.Client].
func (c *Client) Subscribe(s client.Subscription) error {
	if c.closing.Load() {
		return client.ErrClosed
	}
	if c.options.Session != nil {
		return errors.New("subscribe: a client with a session has the one subscription of that")
	}
	if err := checkSubscription(s); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	c.subs.set(s)
	wake(c.subscribed)
	return nil
}

// OnUp implements [client.Client].
func (c *Client) OnUp(f func()) {
	c.mu.Lock()
	c.ups = append(c.ups, &up{f: f})
	c.mu.Unlock()
	wake(c.announce)
}

// Close implements [client.Client]. It always returns nil.
func (c *Client) Close() error {
	c.closed.Do(func() {
		c.closing.Store(true)
		c.cancel()
		c.wg.Wait()
	})
	return nil
}

// Connected reports whether there is a connection to publish on.
func (c *Client) Connected() bool { return c.connected() != nil }

// connected is the connection to publish on, nil while there is none.
func (c *Client) connected() *connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil || c.current.ctx.Err() != nil {
		return nil
	}
	return c.current
}

func (c *Client) setCurrent(n *connection) {
	c.mu.Lock()
	c.current = n
	c.mu.Unlock()
}

// announceUps calls the functions of OnUp.
func (c *Client) announceUps(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.announce:
		}
		for f := c.nextUp(); f != nil; f = c.nextUp() {
			f()
		}
	}
}

// nextUp is a function that has not been told of the current connection, nil when there is none or some
// subscription is not in place yet.
func (c *Client) nextUp() func() {
	n := c.connected()
	if n == nil || len(c.subs.missing(n, 1)) > 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, u := range c.ups {
		if u.told != n {
			u.told = n
			return u.f
		}
	}
	return nil
}

// deliver takes a message from the library's goroutine.
func (c *Client) deliver(m client.Message) {
	if !c.closing.Load() {
		c.subs.deliver(m)
	}
}

// wake wakes the reader of a channel of one, or makes sure that it will look once more.
func wake(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
