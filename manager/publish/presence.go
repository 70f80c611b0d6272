package publish

import (
	"context"
	"errors"
	"time"

	"muster/broker/client"
	"muster/topics"
)

// farewell is how long Run, when it is to end, waits for the broker to take the last configs, and then the word that
// the manager is offline.
const farewell = 2 * time.Second

// Will is the message that the broker is to publish for a manager whose connection breaks. It goes into
// the connection's CONNECT, and so belongs to whoever makes the client.
func Will(root topics.Root, manager, agent string) (client.Message, error) {
	return presence(root, manager, topics.Presence{State: topics.Offline, Agent: agent, At: time.Now()})
}

func presence(root topics.Root, manager string, state topics.Presence) (client.Message, error) {
	payload, err := state.Encode()
	return client.Message{
		Topic: root.Topic(topics.ManagerStatus, manager), Payload: payload,
		QoS: 1, Retain: true, ContentType: "application/json",
	}, err
}

// greet says that the manager is online, once per connection. It is called with mu held.
func (p *Publisher) greet() {
	if p.up == 0 || p.greeted || p.greeting {
		return
	}
	p.greeting = true
	ctx, up := p.ctx, p.up
	p.sends.Go(func() {
		err := p.sayState(ctx, p.o.Timeout, topics.Online)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.greeting = false
		p.greeted = err == nil && up == p.up
		if err != nil && ctx.Err() == nil && !errors.Is(err, client.ErrNotConnected) {
			p.o.Log.Warn("presence not published", "error", err)
		}
	})
}

// goodbye says that the manager is offline: a client that is closed in order has no will.
func (p *Publisher) goodbye() {
	p.mu.Lock()
	up := p.up
	p.mu.Unlock()
	if up == 0 {
		return
	}
	err := p.sayState(context.Background(), farewell, topics.Offline)
	if err != nil && !errors.Is(err, client.ErrNotConnected) && !errors.Is(err, client.ErrClosed) {
		p.o.Log.Warn("presence not published", "error", err)
	}
}

func (p *Publisher) sayState(ctx context.Context, limit time.Duration, state string) error {
	m, err := presence(p.o.Root, p.o.Manager, topics.Presence{State: state, Agent: p.o.Agent, At: time.Now()})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return p.client.Publish(ctx, m)
}
