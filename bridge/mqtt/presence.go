package mqtt

import (
	"context"
	"errors"
	"time"

	"muster/broker/client"
	"muster/topics"
)

// farewell is how long the broker may take to hear that the bridge goes.
const farewell = 2 * time.Second

func (s *Source) topic() string { return s.o.Root.Topic(topics.BridgeStatus, s.o.Name) }

// presence is what the bridge says of itself; its will is that it is offline.
func (s *Source) presence(state string) *client.Message {
	payload, err := topics.Presence{State: state, Instance: s.o.Instance, Agent: s.o.Agent, At: time.Now()}.Encode()
	if err != nil {
		panic(err) // it is one of the two states
	}
	return &client.Message{Topic: s.topic(), Payload: payload, QoS: 1, Retain: true, ContentType: "application/json"}
}

// announce says that the bridge is there, on each connection and once in a while, until ctx ends.
func (s *Source) announce(ctx context.Context, bus client.Client) {
	up := make(chan struct{}, 1)
	bus.OnUp(func() {
		select {
		case up <- struct{}{}:
		default:
		}
	})
	again := time.NewTicker(heartbeat)
	defer again.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-up:
			s.say(ctx, bus, topics.Online)
		case <-again.C:
			s.say(ctx, bus, topics.Online)
		}
	}
}

// say publishes the state. What fails is said again with the next connection, or after a while.
func (s *Source) say(ctx context.Context, bus client.Client, state string) {
	ctx, cancel := context.WithTimeout(ctx, heartbeat)
	defer cancel()
	err := bus.Publish(ctx, *s.presence(state))
	if err != nil && ctx.Err() == nil && !errors.Is(err, client.ErrNotConnected) {
		s.o.Log.Warn("presence of the bridge not published", "error", err)
	}
}
