package e2e

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
)

// Packet types of MQTT in the first byte of a packet.
const (
	connect, connack, publish, puback, subscribe, suback = 0x10, 0x20, 0x30, 0x40, 0x80, 0x90
	qos1                                                 = 0x02
)

// A wire is a connection that says nothing but what MQTT needs, and counts its bytes.
type wire struct {
	net.Conn
	v5       bool
	in       *bufio.Reader
	up, down int
}

// dialWire connects as that device.
func dialWire(addr, version, device string) (*wire, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	w := &wire{Conn: conn, v5: version == "5", in: bufio.NewReader(conn)}
	protocol := byte(4)
	if w.v5 {
		protocol = 5
	}
	err = w.send(connect, w.properties(append(text("MQTT"), protocol, 2, 0, 60)), text(device))
	if err == nil {
		_, err = w.receive(connack)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return w, nil
}

// publish publishes with QoS 1.
func (w *wire) publish(topic, payload string) error {
	return w.send(publish|qos1, text(topic), w.properties([]byte{0, 1}), []byte(payload))
}

// subscribe subscribes with QoS 1.
func (w *wire) subscribe(filter string) error {
	return w.send(subscribe|qos1, w.properties([]byte{0, 1}), text(filter), []byte{1})
}

// send writes a packet.
func (w *wire) send(kind byte, parts ...[]byte) error {
	var body []byte
	for _, part := range parts {
		body = append(body, part...)
	}
	packet := append(binary.AppendUvarint([]byte{kind}, uint64(len(body))), body...)
	w.up += len(packet)
	_, err := w.Write(packet)
	return err
}

// receive reads a packet, which must be of one of these types.
func (w *wire) receive(want ...byte) (body []byte, err error) {
	kind, err := w.in.ReadByte()
	if err != nil {
		return nil, err
	}
	length, err := binary.ReadUvarint(w.in)
	if err != nil {
		return nil, err
	}
	body = make([]byte, length)
	if _, err := io.ReadFull(w.in, body); err != nil {
		return nil, err
	}
	w.down += 1 + len(binary.AppendUvarint(nil, length)) + len(body)
	if !slices.Contains(want, kind&0xf0) {
		return nil, fmt.Errorf("a packet of type %x came, want %x", kind, want)
	}
	return body, nil
}

// properties puts none behind what MQTT 5 has them behind.
func (w *wire) properties(before []byte) []byte {
	if w.v5 {
		return append(before, 0)
	}
	return before
}

func text(s string) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...) }
