package clienttest

import (
	"context"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"muster/broker/client"
)

// A Peer is another client of the broker: it publishes what the client under test should hear, and
// observes what that publishes. It has one connection and does not make another; any failure ends the
// test.
type Peer struct {
	t    *testing.T
	conn net.Conn
	paho *paho.Client
	in   *inbox
}

// NewPeer connects a peer. It disconnects at the end of the test.
func NewPeer(t *testing.T, brokerURL, id string) *Peer {
	t.Helper()
	u, err := url.Parse(brokerURL)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.DialTimeout("tcp", u.Host, patience)
	if err != nil {
		t.Fatalf("peer %q: %v", id, err)
	}
	p := &Peer{t: t, conn: conn, in: newInbox()}
	p.paho = paho.NewClient(paho.ClientConfig{
		Conn:          conn,
		PacketTimeout: patience,
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(r paho.PublishReceived) (bool, error) {
			p.in.add(fromPeer(r.Packet))
			return true, nil
		}},
	})
	connect := &paho.Connect{
		ClientID: id, CleanStart: true, KeepAlive: 60,
		Properties: &paho.ConnectProperties{ReceiveMaximum: paho.Uint16(100)},
	}
	if u.User != nil {
		connect.UsernameFlag, connect.Username = true, u.User.Username()
		password, ok := u.User.Password()
		connect.PasswordFlag, connect.Password = ok, []byte(password)
	}
	if _, err := p.paho.Connect(context.Background(), connect); err != nil {
		t.Fatalf("peer %q: connect: %v", id, err)
	}
	t.Cleanup(p.Close)
	return p
}

// Close disconnects the peer.
func (p *Peer) Close() { _ = p.paho.Disconnect(&paho.Disconnect{}) }

// Publish publishes with QoS 1, whatever m says, and waits until the broker has sent it to everybody who
// was subscribed.
func (p *Peer) Publish(m client.Message) {
	p.t.Helper()
	out := &paho.Publish{
		Topic: m.Topic, Payload: m.Payload, QoS: 1, Retain: m.Retain,
		Properties: &paho.PublishProperties{
			ContentType: m.ContentType, ResponseTopic: m.ResponseTopic, CorrelationData: m.CorrelationData,
		},
	}
	if m.Expiry > 0 {
		out.Properties.MessageExpiry = new(uint32(m.Expiry / time.Second))
	}
	if _, err := p.paho.Publish(context.Background(), out); err != nil {
		p.t.Fatalf("peer: publish to %s: %v", m.Topic, err)
	}
	// A broker may acknowledge before it delivers. It handles the packets of a connection one by one, so
	// once it has answered the next one, it has delivered.
	if _, err := p.paho.Unsubscribe(context.Background(), &paho.Unsubscribe{Topics: []string{"muster/v1/summary"}}); err != nil {
		p.t.Fatalf("peer: unsubscribe: %v", err)
	}
}

// Subscribe subscribes with QoS 1 and waits for the acknowledgement. What arrives is kept in the order of
// arrival; see [Peer.Next].
func (p *Peer) Subscribe(filter string) {
	p.t.Helper()
	_, err := p.paho.Subscribe(context.Background(), &paho.Subscribe{
		Subscriptions: []paho.SubscribeOptions{{Topic: filter, QoS: 1}},
	})
	if err != nil {
		p.t.Fatalf("peer: subscribe to %s: %v", filter, err)
	}
}

// Next returns the next message that arrived and was not returned before, and waits for it.
func (p *Peer) Next() client.Message {
	p.t.Helper()
	return p.in.next(p.t)
}

func fromPeer(m *paho.Publish) client.Message {
	out := client.Message{
		Topic: m.Topic, Payload: m.Payload, QoS: m.QoS, Retain: m.Retain,
		ContentType: m.Properties.ContentType, ResponseTopic: m.Properties.ResponseTopic,
		CorrelationData: m.Properties.CorrelationData,
	}
	if m.Properties.MessageExpiry != nil {
		out.Expiry = time.Duration(*m.Properties.MessageExpiry) * time.Second
	}
	return out
}
