package attack

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/coder/websocket"
	"github.com/eclipse/paho.golang/packets"
)

// Transports to a broker.
const (
	overTLS  = "TLS"
	overWSS  = "WebSocket"
	overTCP  = "TCP on loopback"
	overREST = "REST"
)

// accepted is the outcome of what was not refused.
const accepted = "accepted"

// theEnd is the outcome that the connection is ended, with a reason or without.
const theEnd = "the end"

// An identity is what somebody shows to the broker.
type identity struct {
	username, password string
	certificate        *tls.Certificate
}

// A wire is a connection to a broker on which anything can be sent.
type wire struct {
	net.Conn
	in *bufio.Reader
	mu sync.Mutex // one packet at a time is written
}

// dial makes a connection and sends nothing. With TLS 1.3 a server refuses a certificate only after the client's handshake
// is done: the first packet is answered with that.
func (s *site) dial(over string, certificate *tls.Certificate) (*wire, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	config := &tls.Config{RootCAs: s.roots}
	if certificate != nil {
		// Also when its issuer is none that the server names.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return certificate, nil }
	}
	var nc net.Conn
	var err error
	switch over {
	case overTCP:
		nc, err = new(net.Dialer).DialContext(ctx, "tcp", s.local)
	case overTLS:
		nc, err = (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", s.mqtts)
	case overWSS:
		nc, err = dialWebSocket(ctx, "wss://"+s.wss+"/mqtt", config)
	default:
		err = fmt.Errorf("no way to go over %s", over)
	}
	if err != nil {
		return nil, err
	}
	return &wire{Conn: nc, in: bufio.NewReader(nc)}, nil
}

func dialWebSocket(ctx context.Context, url string, config *tls.Config) (net.Conn, error) {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
	ws, answer, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: client, Subprotocols: []string{"mqtt"}})
	if answer != nil && answer.Body != nil {
		_ = answer.Body.Close()
	}
	if err != nil {
		return nil, err
	}
	return websocket.NetConn(context.Background(), ws, websocket.MessageBinary), nil
}

// send writes a packet.
func (w *wire) send(p packets.Packet) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var kind byte
	switch p.(type) {
	case *packets.Connect:
		kind = packets.CONNECT
	case *packets.Publish:
		kind = packets.PUBLISH
	case *packets.Subscribe:
		kind = packets.SUBSCRIBE
	case *packets.Pingreq:
		kind = packets.PINGREQ
	case *packets.Disconnect:
		kind = packets.DISCONNECT
	}
	control := packets.NewControlPacket(kind)
	control.Content = p
	_, err := control.WriteTo(w.Conn)
	return err
}

// answer reads the next packet that is no message, and tells what it means. A broker that says nothing for too long "hangs".
func (w *wire) answer() string {
	_ = w.SetReadDeadline(time.Now().Add(patience))
	for {
		p, err := packets.ReadPacket(w.in)
		if err != nil {
			return outcome(err)
		}
		code := byte(0)
		switch c := p.Content.(type) {
		case *packets.Publish:
			continue
		case *packets.Connack:
			code = c.ReasonCode
		case *packets.Puback:
			code = c.ReasonCode
		case *packets.Suback:
			code = c.Reasons[0]
		case *packets.Disconnect:
			return fmt.Sprintf("DISCONNECT %#02x", c.ReasonCode)
		}
		if code < 0x80 {
			return accepted
		}
		return fmt.Sprintf("%s %#02x", p.PacketType(), code)
	}
}

// ask sends a packet and tells what the answer means.
func (w *wire) ask(p packets.Packet) string {
	// What the broker said before it hung up is more than that writing failed.
	sent := w.send(p)
	if got := w.answer(); got != "closed" || sent == nil {
		return got
	}
	return outcome(sent)
}

// outcome is what an error of a connection means.
func outcome(err error) string {
	var alert *net.OpError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "hangs"
	case errors.As(err, &alert) && alert.Op == "remote error":
		return "alert: " + strings.TrimPrefix(alert.Err.Error(), "tls: ")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.Is(err, net.ErrClosed), websocket.CloseStatus(err) != -1:
		return "closed"
	}
	return err.Error()
}

// A hello is a CONNECT.
type hello struct {
	identity
	id      string
	will    string // its topic
	version byte   // 5 when it is 0
}

func (h hello) packet() *packets.Connect {
	p := &packets.Connect{
		ProtocolName: "MQTT", ProtocolVersion: 5, ClientID: h.id, CleanStart: true, KeepAlive: 600, Properties: &packets.Properties{},
		UsernameFlag: h.username != "", Username: h.username, PasswordFlag: h.password != "", Password: []byte(h.password),
	}
	if h.will != "" {
		p.WillFlag, p.WillTopic, p.WillMessage, p.WillQOS, p.WillProperties = true, h.will, []byte(bad(h.id)), 1, &packets.Properties{}
	}
	if h.version != 0 {
		p.ProtocolVersion = h.version
	}
	return p
}

// connect makes a connection and logs in; the outcome tells how that was refused.
func (s *site) connect(over string, h hello) (*wire, string) {
	w, err := s.dial(over, h.certificate)
	if err != nil {
		return nil, outcome(err)
	}
	got := w.ask(h.packet())
	if got != accepted {
		_ = w.Close()
	}
	return w, got
}

// message is the payload of the next message on the topic.
func (w *wire) message(topic string) ([]byte, error) {
	_ = w.SetReadDeadline(time.Now().Add(patience))
	for {
		p, err := packets.ReadPacket(w.in)
		if err != nil {
			return nil, err
		}
		if m, ok := p.Content.(*packets.Publish); ok && m.Topic == topic {
			return m.Payload, nil
		}
	}
}

func (w *wire) publish(topic, payload string, retain bool) string {
	return w.ask(&packets.Publish{Topic: topic, Payload: []byte(payload), QoS: 1, PacketID: 1, Retain: retain, Properties: &packets.Properties{}})
}

func (w *wire) subscribe(filter string) string {
	return w.ask(&packets.Subscribe{PacketID: 2, Subscriptions: []packets.SubOptions{{Topic: filter, QoS: 1}}, Properties: &packets.Properties{}})
}
