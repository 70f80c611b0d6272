package broker

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"muster/broker/client"
	"muster/topics"
)

// inProcess is a client without a connection. Publish runs mochi's fan-out in the caller's goroutine; what
// is published to it goes through one bounded queue to one goroutine, which calls the handlers. Its
// subscriptions and queue are in deliver.go.
type inProcess struct {
	server *Server
	// inline is who mochi thinks is publishing.
	inline *mqtt.Client

	queue chan delivery
	// wake tells the delivering goroutine of new replays. It holds one.
	wake chan struct{}
	// stuckSince is when the queue was found full first after the last call of a handler, in Unix
	// nanoseconds; 0 when it was not.
	stuckSince atomic.Int64

	// gone is closed when the client or the server is closed.
	gone     chan struct{}
	stopOnce sync.Once
	// wg counts the delivering goroutine and the functions of OnUp.
	wg sync.WaitGroup
	// up is held while a function of OnUp runs.
	up sync.Mutex

	mu            sync.Mutex
	closed        bool // by Close
	stopped       bool // by Close or the end of the server
	subscriptions map[subscriptionKey]*localSubscription
	replays       []replay
}

// Client makes a client in this process, with the rights of a manager. The id is for the log and does not
// take anybody's place.
//
// A PUBLISH returns when the message is retained and in the queue of every subscriber; those on the
// network never make it wait. A handler that is slow makes those wait who publish to it: the reading
// goroutine of a network client reads no further, which that client notices as back-pressure, and the rest of the broker
// goes on. When nothing was taken from a full queue for [stuckAfter], messages to it are dropped and counted until
// its handler moves again: a manager must not stall the broker, and whoever asked will ask again.
//
// The caller closes the client. After the server is closed, it is not connected any more, for good.
func (s *Server) Client(id string) client.Client {
	p := &inProcess{
		server: s, inline: s.mqtt.NewClient(nil, mqtt.LocalListener, id, true),
		queue: make(chan delivery, queueLength), wake: make(chan struct{}, 1), gone: make(chan struct{}),
		subscriptions: map[subscriptionKey]*localSubscription{},
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		p.stopped = true
		close(p.gone)
		p.stopOnce.Do(func() {})
		return p
	}
	s.locals[p] = struct{}{}
	p.wg.Go(p.deliver)
	return p
}

// Publish implements [client.Client].
func (p *inProcess) Publish(ctx context.Context, m client.Message) error {
	if err := p.state(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := p.check(m); err != nil {
		return fmt.Errorf("publish to %.80q: %w: %w", m.Topic, client.ErrRefused, err)
	}
	if err := p.server.publish(p.inline, packetOf(m)); err != nil {
		return fmt.Errorf("publish to %.80q: %w: %w", m.Topic, client.ErrRefused, err)
	}
	return nil
}

// state is nil while there is a broker to talk to.
func (p *inProcess) state() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return client.ErrClosed
	case p.stopped:
		return fmt.Errorf("the embedded broker is closed: %w", client.ErrNotConnected)
	}
	return nil
}

// check holds a message to the same rules as one from the network.
func (p *inProcess) check(m client.Message) error {
	switch err := topics.CheckTopicName(m.Topic); {
	case err != nil:
		return err
	case m.QoS > 1:
		return fmt.Errorf("QoS %d is not supported", m.QoS)
	case len(m.Payload) > topics.MaxPayload:
		return fmt.Errorf("the payload is %d bytes, at most %d are allowed", len(m.Payload), topics.MaxPayload)
	case len(m.ContentType) > topics.MaxTopic || len(m.ResponseTopic) > topics.MaxTopic || len(m.CorrelationData) > topics.MaxTopic:
		return fmt.Errorf("a property has more than %d bytes", topics.MaxTopic)
	case !p.server.opts.Root.MayPublish(topics.Subject{Role: topics.RoleManager}, m.Topic):
		return fmt.Errorf("a manager may not publish there")
	}
	return nil
}

// packetOf is m as a PUBLISH.
func packetOf(m client.Message) packets.Packet {
	return packets.Packet{
		FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: m.QoS, Retain: m.Retain},
		TopicName:   m.Topic,
		Payload:     m.Payload,
		Properties: packets.Properties{
			ContentType: m.ContentType, ResponseTopic: m.ResponseTopic, CorrelationData: m.CorrelationData,
			MessageExpiryInterval: expirySeconds(m.Expiry),
		},
	}
}

// expirySeconds rounds up.
func expirySeconds(d time.Duration) uint32 {
	return uint32(max(0, min((d+time.Second-1)/time.Second, math.MaxUint32)))
}

// messageOf is a PUBLISH as a subscriber with that QoS receives it.
func messageOf(pk *packets.Packet, qos byte) client.Message {
	return client.Message{
		Topic: pk.TopicName, Payload: pk.Payload, QoS: min(pk.FixedHeader.Qos, qos),
		ContentType: pk.Properties.ContentType, ResponseTopic: pk.Properties.ResponseTopic,
		CorrelationData: pk.Properties.CorrelationData,
		Expiry:          time.Duration(pk.Properties.MessageExpiryInterval) * time.Second,
	}
}

// message is m as a new subscriber with that QoS receives it.
func (m *retainedMessage) message(qos byte, now time.Time) client.Message {
	out := client.Message{Topic: m.topic, Payload: m.payload, QoS: min(m.qos, qos), Retain: true}
	if p := m.properties; p != nil {
		out.ContentType, out.ResponseTopic, out.CorrelationData = p.ContentType, p.ResponseTopic, p.CorrelationData
	}
	if !m.expires.IsZero() {
		out.Expiry = time.Duration(expirySeconds(max(time.Second, m.expires.Sub(now)))) * time.Second
	}
	return out
}

// OnUp implements [client.Client]. The connection is up from the start, so f runs now, in a goroutine of its own:
// the caller may hold what f waits for.
func (p *inProcess) OnUp(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	p.wg.Go(func() {
		p.up.Lock()
		defer p.up.Unlock()
		if p.state() == nil {
			f()
		}
	})
}

// Close implements [client.Client].
func (p *inProcess) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.stop()
	return nil
}

// stop ends the client's connection to the broker, and waits until nothing of it runs.
func (p *inProcess) stop() {
	p.stopOnce.Do(func() {
		p.mu.Lock()
		p.stopped = true
		p.mu.Unlock()
		p.server.leaveLocal(p)
		close(p.gone)
		p.server.mu.Lock()
		delete(p.server.locals, p)
		p.server.mu.Unlock()
	})
	p.wg.Wait()
}

// checkSubscription reports why s is no subscription, nil when it is one.
func checkSubscription(s client.Subscription) error {
	if s.Handler == nil {
		return fmt.Errorf("subscribe to %.80q: there is no handler", s.Filter)
	}
	if s.QoS > 1 {
		return fmt.Errorf("subscribe to %.80q: QoS %d is not supported", s.Filter, s.QoS)
	}
	if strings.HasPrefix(s.Filter, "$share/") {
		return fmt.Errorf("subscribe to %.80q: the share's name belongs in Share", s.Filter)
	}
	if s.Share == "" {
		return topics.CheckFilter(s.Filter)
	}
	if strings.Contains(s.Share, "/") {
		return fmt.Errorf("subscribe to %.80q: share %.80q: must not contain '/'", s.Filter, s.Share)
	}
	return topics.CheckFilter("$share/" + s.Share + "/" + s.Filter)
}
