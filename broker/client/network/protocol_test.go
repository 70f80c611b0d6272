package network

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/google/go-cmp/cmp"

	"muster/broker/client"
)

// sent keeps the packets that the broker gets of one type.
func sent(b *fakeBroker, packetType byte) <-chan *packets.ControlPacket {
	seen := make(chan *packets.ControlPacket, 100)
	b.misbehave(func(_ *fakeConn, p *packets.ControlPacket) bool {
		if p.Type == packetType {
			seen <- p
		}
		return false
	})
	return seen
}

func ignore(client.Message) {}

func TestConnectPacket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{}
		connects := sent(b, packets.CONNECT)
		c := b.dial(t, Options{
			Username: "u", Password: []byte("p"), KeepAlive: 1500 * time.Millisecond,
			Will: func() *client.Message {
				return &client.Message{Topic: "will", Payload: []byte("gone"), QoS: 1, Retain: true}
			},
		})
		defer b.end(c)
		got := (<-connects).Content.(*packets.Connect)
		want := &packets.Connect{
			ProtocolName: "MQTT", ProtocolVersion: 5, ClientID: "c", CleanStart: true, KeepAlive: 2,
			UsernameFlag: true, Username: "u", PasswordFlag: true, Password: []byte("p"),
			WillFlag: true, WillTopic: "will", WillMessage: []byte("gone"), WillQOS: 1, WillRetain: true,
			WillProperties: &packets.Properties{},
			Properties:     &packets.Properties{},
		}
		// Without a Receive Maximum the library reserves 533 KB per connection.
		receive, size := uint16(32), uint32(128<<10)
		want.Properties.ReceiveMaximum, want.Properties.MaximumPacketSize = &receive, &size
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("CONNECT (-want +got):\n%s", diff)
		}
	})
}

// The library writes a packet in pieces; each would be a segment, a TLS record or a WebSocket message.
func TestOneWritePerPacket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{}
		c := b.dial(t, Options{KeepAlive: time.Hour})
		defer b.end(c)
		awaitUp(c)
		synctest.Wait()
		writes := b.latest().writes
		for len(writes) > 0 {
			<-writes
		}
		m := qos1("x")
		m.Expiry, m.ContentType = time.Minute, "application/json"
		for range 3 {
			if err := c.Publish(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(writes); n != 3 {
			t.Errorf("3 messages were sent in %d writes", n)
		}
	})
}

// The library's manual acknowledgements leave every 50 ms only, which is why they are not used.
func TestAcknowledgesAtOnceAfterTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{}
		acks := sent(b, packets.PUBACK)
		c := b.dial(t, Options{})
		defer b.end(c)
		release := make(chan struct{})
		err := c.Subscribe(client.Subscription{Filter: "#", QoS: 1, Handler: func(client.Message) { <-release }})
		if err != nil {
			t.Fatal(err)
		}
		awaitUp(c)
		b.latest().publish("topic", "x", 1)
		time.Sleep(time.Second)
		if len(acks) > 0 {
			t.Error("acknowledged before the handler returned")
		}
		start := time.Now()
		close(release)
		<-acks
		if took := time.Since(start); took != 0 {
			t.Errorf("acknowledged %v after the handler returned", took)
		}
	})
}

func TestSubscribesInBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{}
		subscribes := sent(b, packets.SUBSCRIBE)
		c := b.dial(t, Options{})
		defer b.end(c)
		for i := range 20 {
			if err := c.Subscribe(client.Subscription{Filter: fmt.Sprint("a/", i), Handler: ignore}); err != nil {
				t.Fatal(err)
			}
		}
		awaitUp(c)
		filters := map[string]bool{}
		for len(subscribes) > 0 {
			subs := (<-subscribes).Content.(*packets.Subscribe).Subscriptions
			if len(subs) > 8 {
				t.Errorf("a SUBSCRIBE has %d filters", len(subs))
			}
			for _, s := range subs {
				filters[s.Topic] = true
			}
		}
		if len(filters) != 20 {
			t.Errorf("%d filters were subscribed, want 20", len(filters))
		}
	})
}

func TestRefusedSubscriptionIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, text := logged()
		b := &fakeBroker{on: func(conn *fakeConn, p *packets.ControlPacket) bool {
			s, ok := p.Content.(*packets.Subscribe)
			if !ok {
				return false
			}
			reasons := make([]byte, len(s.Subscriptions))
			for i, sub := range s.Subscriptions {
				if sub.Topic == "secret" {
					reasons[i] = 0x87
				}
			}
			conn.send(&packets.Suback{PacketID: s.PacketID, Properties: &packets.Properties{}, Reasons: reasons})
			return true
		}}
		c := b.dial(t, Options{Log: log})
		defer b.end(c)
		got := make(chan client.Message, 1)
		for _, s := range []client.Subscription{
			{Filter: "secret", Handler: ignore},
			{Filter: "open", Handler: func(m client.Message) { got <- m }},
		} {
			if err := c.Subscribe(s); err != nil {
				t.Fatal(err)
			}
		}
		awaitUp(c)
		b.latest().publish("open", "x", 0)
		<-got
		if !strings.Contains(text(), "filter=secret") || !strings.Contains(text(), "not authorized") {
			t.Errorf("the log does not tell of the refusal:\n%s", text())
		}
		if n := len(b.attempts()); n != 1 {
			t.Errorf("%d connections, want 1", n)
		}
	})
}

func TestBrokerWithoutSharedAndWildcardSubscriptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, text := logged()
		no := byte(0)
		b := &fakeBroker{greet: func(c *packets.Connack) {
			c.Properties.SharedSubAvailable, c.Properties.WildcardSubAvailable = &no, &no
		}}
		subscribes := sent(b, packets.SUBSCRIBE)
		c := b.dial(t, Options{Log: log})
		defer b.end(c)
		for _, s := range []client.Subscription{
			{Filter: "shared", Share: "managers", Handler: ignore},
			{Filter: "wild/#", Handler: ignore},
		} {
			if err := c.Subscribe(s); err != nil {
				t.Fatal(err)
			}
		}
		awaitUp(c)
		s := (<-subscribes).Content.(*packets.Subscribe)
		if len(s.Subscriptions) != 1 || s.Subscriptions[0].Topic != "shared" || len(subscribes) > 0 {
			t.Errorf("subscribed to %+v, want the plain filter of the shared subscription", s.Subscriptions)
		}
		if !strings.Contains(text(), "wild/#") {
			t.Errorf("the log does not tell of the subscription that the broker cannot take:\n%s", text())
		}
	})
}

// What the broker said it does not take is not sent: it would end the connection.
func TestBrokersLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		no, size := byte(0), uint32(200)
		b := &fakeBroker{greet: func(c *packets.Connack) {
			c.Properties.RetainAvailable, c.Properties.MaximumPacketSize = &no, &size
		}}
		c := b.dial(t, Options{})
		defer b.end(c)
		awaitUp(c)
		retained := qos1("x")
		retained.Retain = true
		for name, m := range map[string]client.Message{"retained": retained, "too large": qos1(strings.Repeat("x", 200))} {
			if err := c.Publish(t.Context(), m); !errors.Is(err, client.ErrRefused) {
				t.Errorf("%s: %v, want an error that wraps ErrRefused", name, err)
			}
		}
		if err := c.Publish(t.Context(), qos1(strings.Repeat("x", 100))); err != nil {
			t.Error(err)
		}
	})
}

func TestPacketSizeIsAnUpperBound(t *testing.T) {
	for _, m := range []client.Message{
		qos1(""), qos1(strings.Repeat("x", 300_000)),
		{Topic: "t", Expiry: time.Hour, ContentType: "c", ResponseTopic: "r", CorrelationData: []byte("d"), QoS: 1},
	} {
		var encoded strings.Builder
		if _, err := outgoing(m).Packet().WriteTo(&encoded); err != nil {
			t.Fatal(err)
		}
		if limit := packetSize(m); int64(encoded.Len()) > limit || int64(encoded.Len()) < limit-32 {
			t.Errorf("a packet of %d bytes is taken for up to %d", encoded.Len(), limit)
		}
	}
}

func TestDisconnectReasonIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, text := logged()
		b := &fakeBroker{}
		c := b.dial(t, Options{Log: log})
		awaitUp(c)
		b.latest().send(&packets.Disconnect{ReasonCode: 0x8e, Properties: &packets.Properties{}})
		time.Sleep(2 * time.Second)
		b.end(c)
		for _, want := range []string{"session taken over", "another client has connected with the same client id"} {
			if strings.Count(text(), want) != 1 {
				t.Errorf("the log does not say %q once:\n%s", want, text())
			}
		}
	})
}

// A connection that is replaced while a function of OnUp runs is passed over; the newest is not.
func TestOnUpWhileItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{}
		c := b.dial(t, Options{})
		defer b.end(c)
		release := make(chan struct{})
		calls := 0
		c.OnUp(func() {
			calls++
			<-release
		})
		for range 3 {
			time.Sleep(time.Hour) // long enough for any back-off
			b.latest().Close()
		}
		time.Sleep(time.Hour)
		if calls != 1 {
			t.Errorf("%d calls while the first one ran", calls)
		}
		close(release)
		synctest.Wait()
		if calls != 2 {
			t.Errorf("%d calls after four connections, two of which came and went meanwhile; want 2", calls)
		}
	})
}

func TestInvalidWillIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, text := logged()
		b := &fakeBroker{}
		c := b.dial(t, Options{Log: log, Will: func() *client.Message { return &client.Message{Topic: "a/#"} }})
		synctest.Wait()
		b.end(c)
		if len(b.attempts()) > 0 || !strings.Contains(text(), "will: ") {
			t.Errorf("an invalid will was sent, or is not in the log:\n%s", text())
		}
	})
}
