package broker

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"muster/topics"
)

// maxName is the longest client id and username in bytes.
const maxName = 256

// readConnect prepares a client's CONNECT before mochi looks at it.
func (c *conn) readConnect(pk *packets.Packet) {
	c.version = pk.ProtocolVersion
	p := &pk.Connect
	// The strings share the packet's memory, and would keep the password in it for as long as the
	// connection lives.
	p.ClientIdentifier = strings.Clone(p.ClientIdentifier)
	p.Username = slices.Clone(p.Username)
	if len(p.Password) == 0 {
		p.PasswordFlag = false // mochi refuses an empty password as a protocol error, which it is not
	}
	// A will is published by conn.publishWill: mochi's way around any access check, without its properties
	// and not at all when empty.
	if p.WillFlag {
		c.will = willOf(p)
		p.WillFlag, p.WillRetain, p.WillQos, p.WillTopic, p.WillPayload = false, false, 0, "", nil
	}
	// With a Receive Maximum, mochi loses count of what is in flight, stops sending for ever and can
	// deadlock. Everything is sent with QoS 0 anyway, where it does not apply.
	pk.Properties.ReceiveMaximum = 0
	// See newMochi.
	pk.Properties.TopicAliasMaximum = 0
}

// A will is what to publish when its client is gone. There is one for each device, so it is kept small.
type will struct {
	topic      string
	payload    []byte
	qos        byte
	retain     bool
	expiry     uint32
	properties *packets.Properties // nil when there are none
}

func willOf(p *packets.ConnectParams) *will {
	// A Will Delay Interval means nothing: it ends at the latest with the session (MQTT 5.0 §3.1.3.2.2).
	return &will{
		topic: strings.Clone(p.WillTopic), payload: slices.Clone(p.WillPayload), qos: p.WillQos, retain: p.WillRetain,
		expiry: p.WillProperties.MessageExpiryInterval, properties: forwardedProperties(p.WillProperties),
	}
}

func (w *will) packet() packets.Packet {
	pk := packets.Packet{
		FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: w.qos, Retain: w.retain},
		TopicName:   w.topic,
		Payload:     w.payload,
	}
	if w.properties != nil {
		pk.Properties = *w.properties
	}
	pk.Properties.MessageExpiryInterval = w.expiry
	return pk
}

// A refusal is a CONNECT that is not accepted: the reason code for the client, and why for the log.
type refusal struct {
	code packets.Code
	why  string
}

func (r refusal) Error() string { return r.why }

// OnConnect accepts or refuses a CONNECT that is well-formed.
func (g *guard) OnConnect(cl *mqtt.Client, pk packets.Packet) error {
	c := connOf(cl)
	if c == nil {
		return packets.ErrNotAuthorized
	}
	err := g.accept(c, cl, pk)
	if err == nil {
		c.connected = true
		return nil
	}
	if err.code != packets.ErrServerShuttingDown {
		g.server.logRefusal(cl.ID, err.why, "client_id", cl.ID, "remote", cl.Net.Remote)
	}
	c.sayGoodbye(err.code)
	if sent := g.server.mqtt.SendConnack(cl, err.code, false, nil); sent != nil {
		return fmt.Errorf("refuse connection: %w", sent)
	}
	return err
}

func (g *guard) accept(c *conn, cl *mqtt.Client, pk packets.Packet) *refusal {
	switch {
	case cl.ID == mqtt.InlineClientId:
		return &refusal{packets.ErrClientIdentifierNotValid, "the client id is reserved"}
	case !validName(cl.ID):
		return &refusal{packets.ErrClientIdentifierNotValid, "the client id is too long or has control characters"}
	case !validName(string(pk.Connect.Username)):
		return &refusal{packets.ErrBadUsernameOrPassword, "the username is too long, no UTF-8 or has control characters"}
	case pk.Properties.AuthenticationMethod != "":
		return &refusal{packets.ErrBadAuthenticationMethod, "enhanced authentication is not supported"}
	}
	refused := g.server.recognise(c, cl, Login{
		ClientID: cl.ID, Username: string(pk.Connect.Username), Password: pk.Connect.Password,
		Remote: c.RemoteAddr(), Loopback: c.loopback, TLS: c.tlsState(),
	})
	if refused == nil {
		refused = g.server.rates.admit(c, time.Now())
	}
	if refused == nil {
		refused = g.checkWill(c)
	}
	if refused != nil {
		return refused
	}
	c.setKeepAlive(cl)
	return g.server.claim(c)
}

// checkWill holds a will to the rules for publishing, before there is anything to publish.
func (g *guard) checkWill(c *conn) *refusal {
	switch {
	case c.will == nil:
		return nil
	case c.will.qos > 1:
		return &refusal{packets.ErrQosNotSupported, "the will has QoS 2"}
	case !g.mayPublish(c, c.will.topic):
		code := packets.ErrNotAuthorized
		if c.version < 5 {
			code = packets.ErrBadUsernameOrPassword // which mochi translates to "not authorized"
		}
		return &refusal{code, fmt.Sprintf("not allowed to have a will on topic %.80q", c.will.topic)}
	case c.will.properties != nil && !g.mayAskFor(c, c.will.properties.ResponseTopic):
		return &refusal{packets.ErrNotAuthorized, fmt.Sprintf("not allowed to have answers to its will on topic %.80q", c.will.properties.ResponseTopic)}
	}
	return nil
}

// setKeepAlive holds the client to the options' MaxKeepAlive, as far as its protocol allows.
func (c *conn) setKeepAlive(cl *mqtt.Client) {
	longest := c.server.opts.MaxKeepAlive
	c.keepAlive = time.Duration(cl.State.Keepalive) * time.Second
	if c.version == 5 && (c.keepAlive == 0 || c.keepAlive > longest) {
		c.keepAlive = longest
		cl.State.Keepalive = uint16(min(longest/time.Second, 1<<16-1))
		cl.State.ServerKeepalive = true
	}
}

// OnConnectAuthenticate admits those whom OnConnect has accepted.
func (g *guard) OnConnectAuthenticate(cl *mqtt.Client, _ packets.Packet) bool {
	c := connOf(cl)
	return c != nil && c.connected
}

// check refuses whoever could be granted something by mistake.
func check(s topics.Subject) error {
	switch s.Role {
	case topics.RoleManager, topics.RoleViewer, topics.RoleLocal:
		return nil
	case topics.RoleDevice, topics.RoleBridge, topics.RoleEnrolling, topics.RoleRenewing:
		return topics.CheckName(s.Name)
	}
	return fmt.Errorf("unknown role %q", s.Role)
}

func validName(s string) bool {
	return len(s) <= maxName && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// tlsState is the state of the TLS connection below, nil when there is none.
func (c *conn) tlsState() *tls.ConnectionState {
	if t, ok := c.Conn.(interface{ ConnectionState() tls.ConnectionState }); ok {
		if state := t.ConnectionState(); state.HandshakeComplete {
			return &state
		}
	}
	return nil
}

// publishWill publishes what the client left to be said, unless it has said goodbye properly or the broker
// itself is ending. The client is gone from the broker by then.
func (c *conn) publishWill() {
	if c.will == nil || !c.connected || c.server.isClosed() {
		return
	}
	from := c.server.mqtt.NewClient(nil, mqtt.LocalListener, c.client.ID, true)
	if err := c.server.publish(from, c.will.packet()); err != nil {
		c.server.log.Warn("mqtt will not published", "client_id", c.client.ID, "error", err)
	}
}
