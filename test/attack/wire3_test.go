package attack

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"time"
)

// Packets of MQTT 3.1.1, which is what the libraries of most devices speak.

// text3 is a string as MQTT has it.
func text3(s string) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...) }

func packet3(first byte, body ...[]byte) []byte {
	all := slices.Concat(body...)
	return slices.Concat([]byte{first}, binary.AppendUvarint(nil, uint64(len(all))), all)
}

func (h hello) packet3() []byte {
	flags, rest := byte(2), [][]byte{text3(h.id)}
	if h.will != "" {
		flags |= 1<<2 | 1<<3
		rest = append(rest, text3(h.will), text3(bad(h.id)))
	}
	if h.username != "" {
		flags |= 1 << 7
		rest = append(rest, text3(h.username))
	}
	if h.password != "" {
		flags |= 1 << 6
		rest = append(rest, text3(h.password))
	}
	return packet3(0x10, slices.Concat([][]byte{text3("MQTT"), {4, flags, 0, 60}}, rest)...)
}

func subscribe3(filter string) []byte { return packet3(0x82, []byte{0, 2}, text3(filter), []byte{1}) }

func publish3(topic, payload string) []byte {
	return packet3(0x33, text3(topic), []byte{0, 1}, []byte(payload))
}

// ask3 sends a packet and tells what the answer means.
func (w *wire) ask3(packet []byte) string {
	_, sent := w.Write(packet)
	_ = w.SetReadDeadline(time.Now().Add(patience))
	for {
		first, err := w.in.ReadByte()
		if err != nil {
			if got := outcome(err); got != "closed" || sent == nil {
				return got
			}
			return outcome(sent)
		}
		size, err := binary.ReadUvarint(w.in)
		if err != nil {
			return outcome(err)
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(w.in, body); err != nil {
			return outcome(err)
		}
		name := map[byte]string{2: "CONNACK", 4: "PUBACK", 9: "SUBACK"}[first>>4]
		switch {
		case first>>4 == 3:
			continue
		case name == "":
			return fmt.Sprintf("a packet that starts with %#02x", first)
		case first>>4 == 4:
			return accepted // there is no other
		case body[len(body)-1] == 0, body[len(body)-1] == 1 && name == "SUBACK":
			return accepted
		}
		return fmt.Sprintf("%s %#02x", name, body[len(body)-1])
	}
}

// connect3 is connect with MQTT 3.1.1.
func (s *site) connect3(over string, h hello) (*wire, string) {
	w, err := s.dial(over, h.certificate)
	if err != nil {
		return nil, outcome(err)
	}
	got := w.ask3(h.packet3())
	if got != accepted {
		_ = w.Close()
	}
	return w, got
}
