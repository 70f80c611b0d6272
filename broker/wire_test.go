package broker

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// patience is far above what anything takes that a test waits for.
const patience = 20 * time.Second

// A wire is a client that sends and receives single packets, the wrong ones too.
type wire struct {
	net.Conn
	t       testing.TB
	version byte
	in      *bufio.Reader
}

func newWire(t testing.TB, nc net.Conn, version byte) *wire {
	t.Cleanup(func() { _ = nc.Close() })
	return &wire{Conn: nc, t: t, version: version, in: bufio.NewReader(nc)}
}

// dialTCP connects to an address over the network.
func dialTCP(t testing.TB, addr net.Addr, version byte) *wire {
	t.Helper()
	nc, err := net.DialTimeout("tcp", addr.String(), patience)
	if err != nil {
		t.Fatal(err)
	}
	return newWire(t, nc, version)
}

// encode is a packet of the types that clients send, as bytes.
func (w *wire) encode(pk packets.Packet) []byte {
	w.t.Helper()
	pk.ProtocolVersion = w.version
	pk.Mods.AllowResponseInfo = true
	var buf bytes.Buffer
	encoders := map[byte]func(*bytes.Buffer) error{
		packets.Connect: pk.ConnectEncode, packets.Publish: pk.PublishEncode, packets.Puback: pk.PubackEncode,
		packets.Subscribe: pk.SubscribeEncode, packets.Unsubscribe: pk.UnsubscribeEncode,
		packets.Pingreq: pk.PingreqEncode, packets.Disconnect: pk.DisconnectEncode, packets.Auth: pk.AuthEncode,
	}
	if err := encoders[pk.FixedHeader.Type](&buf); err != nil {
		w.t.Fatal(err)
	}
	return buf.Bytes()
}

// send writes a packet.
func (w *wire) send(pk packets.Packet) {
	w.t.Helper()
	if _, err := w.Write(w.encode(pk)); err != nil {
		w.t.Fatalf("send %s: %v", packets.PacketNames[pk.FixedHeader.Type], err)
	}
}

// receive reads a packet, and waits for it until the deadline.
func (w *wire) receive(wait time.Duration) (packets.Packet, error) {
	_ = w.SetReadDeadline(time.Now().Add(wait))
	pk := packets.Packet{ProtocolVersion: w.version}
	first, err := w.in.ReadByte()
	if err != nil {
		return pk, err
	}
	if err := pk.FixedHeader.Decode(first); err != nil {
		return pk, err
	}
	if pk.FixedHeader.Remaining, _, err = packets.DecodeLength(w.in); err != nil {
		return pk, err
	}
	body := make([]byte, pk.FixedHeader.Remaining)
	if _, err := io.ReadFull(w.in, body); err != nil {
		return pk, err
	}
	decoders := map[byte]func([]byte) error{
		packets.Connack: pk.ConnackDecode, packets.Publish: pk.PublishDecode, packets.Puback: pk.PubackDecode,
		packets.Suback: pk.SubackDecode, packets.Unsuback: pk.UnsubackDecode,
		packets.Pingresp: pk.PingrespDecode, packets.Disconnect: pk.DisconnectDecode,
	}
	decode := decoders[pk.FixedHeader.Type]
	if decode == nil {
		return pk, errors.New("a packet that no server sends: " + packets.PacketNames[pk.FixedHeader.Type])
	}
	return pk, decode(body)
}

// want receives a packet of that type.
func (w *wire) want(kind byte) packets.Packet {
	w.t.Helper()
	pk, err := w.receive(patience)
	if err != nil {
		w.t.Fatalf("waiting for %s: %v", packets.PacketNames[kind], err)
	}
	if pk.FixedHeader.Type != kind {
		w.t.Fatalf("received %s, want %s: %+v", packets.PacketNames[pk.FixedHeader.Type], packets.PacketNames[kind], pk)
	}
	return pk
}

// wantMessage receives a PUBLISH with that payload.
func (w *wire) wantMessage(topic, payload string) packets.Packet {
	w.t.Helper()
	pk := w.want(packets.Publish)
	if pk.TopicName != topic || string(pk.Payload) != payload {
		w.t.Fatalf("received %q on %s, want %q on %s", pk.Payload, pk.TopicName, payload, topic)
	}
	return pk
}

// wantSilence makes sure that nothing is on its way to w, by waiting for the answer to a ping.
func (w *wire) wantSilence() {
	w.t.Helper()
	w.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Pingreq}})
	w.want(packets.Pingresp)
}

// wantEnd waits until the other side hangs up, without another packet.
func (w *wire) wantEnd() {
	w.t.Helper()
	if pk, err := w.receive(patience); err == nil {
		w.t.Fatalf("received %s, want the end of the connection", packets.PacketNames[pk.FixedHeader.Type])
	} else if errors.Is(err, os.ErrDeadlineExceeded) {
		w.t.Fatal("the connection stays open")
	}
}

// connectPacket is a CONNECT of that version, as changed by the functions.
func connectPacket(version byte, id string, changes ...func(*packets.Packet)) packets.Packet {
	pk := packets.Packet{
		FixedHeader:     packets.FixedHeader{Type: packets.Connect},
		ProtocolVersion: version,
		Connect:         packets.ConnectParams{ProtocolName: []byte("MQTT"), ClientIdentifier: id, Clean: true},
	}
	for _, change := range changes {
		change(&pk)
	}
	return pk
}

// as logs in with that username and the right password.
func as(username string) func(*packets.Packet) {
	return func(pk *packets.Packet) {
		pk.Connect.UsernameFlag, pk.Connect.Username = true, []byte(username)
		pk.Connect.PasswordFlag, pk.Connect.Password = true, []byte("secret")
	}
}

// withWill leaves a will with QoS 1.
func withWill(topic, payload string, retain bool) func(*packets.Packet) {
	return func(pk *packets.Packet) {
		p := &pk.Connect
		p.WillFlag, p.WillTopic, p.WillPayload, p.WillQos, p.WillRetain = true, topic, []byte(payload), 1, retain
	}
}

// connect sends a CONNECT and returns its answer.
func (w *wire) connect(id string, changes ...func(*packets.Packet)) packets.Packet {
	w.t.Helper()
	w.send(connectPacket(w.version, id, changes...))
	return w.want(packets.Connack)
}

// mustConnect sends a CONNECT that must be accepted.
func (w *wire) mustConnect(id string, changes ...func(*packets.Packet)) *wire {
	w.t.Helper()
	if pk := w.connect(id, changes...); pk.ReasonCode != 0 {
		w.t.Fatalf("CONNECT of %q was refused with %#x %q", id, pk.ReasonCode, pk.Properties.ReasonString)
	}
	return w
}

// subscribe subscribes to filters with QoS 1 and returns the reason codes.
func (w *wire) subscribe(filters ...string) []byte {
	w.t.Helper()
	w.send(subscribePacket(1, filters...))
	return w.want(packets.Suback).ReasonCodes
}

func subscribePacket(id uint16, filters ...string) packets.Packet {
	pk := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Subscribe, Qos: 1}, PacketID: id}
	for _, f := range filters {
		pk.Filters = append(pk.Filters, packets.Subscription{Filter: f, Qos: 1})
	}
	return pk
}

func publishPacket(topic, payload string, qos byte, retain bool) packets.Packet {
	return packets.Packet{
		FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: qos, Retain: retain},
		TopicName:   topic, Payload: []byte(payload), PacketID: uint16(qos) * 7,
	}
}

// publish publishes with QoS 1 and returns the reason code, when all subscribers have the message in their
// queues. (The acknowledgement comes earlier.)
func (w *wire) publish(topic, payload string, retain bool) byte {
	w.t.Helper()
	w.send(publishPacket(topic, payload, 1, retain))
	code := w.want(packets.Puback).ReasonCode
	w.wantSilence()
	return code
}

// eventually waits until ok.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}
