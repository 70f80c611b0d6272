package broker

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// FuzzConnection sends arbitrary bytes to a connection, at once and after a CONNECT. Nothing of it may end
// the process, or be left in the broker.
func FuzzConnection(f *testing.F) {
	w := &wire{t: f, version: 5}
	connect := w.encode(connectPacket(5, "c", as("manager"), withWill(group("w"), "x", true)))
	for _, seed := range [][]byte{
		nil,
		[]byte("GET / HTTP/1.1\r\n\r\n"),
		{0x10, 0xff, 0xff, 0xff, 0x7f},
		{0x10, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00},
		connect,
		connect[:len(connect)-3],
		w.encode(publishPacket(group("a"), "x", 1, true)),
		w.encode(publishPacket(group("a"), "x", 2, false)),
		w.encode(subscribePacket(1, "#", "$share/a/b", group("a"))),
		{packets.Subscribe<<4 | 2, 6, 0, 1, 0, 0, 1, 'a'},
		{packets.Unsubscribe<<4 | 2, 6, 0, 1, 0, 0, 1, '#'},
		{packets.Pubrec << 4, 2, 0, 1},
		{packets.Pubrel<<4 | 2, 2, 0, 1},
		{packets.Pubcomp << 4, 2, 0, 1},
		{packets.Disconnect << 4, 2, 4, 0},
		{packets.Auth << 4, 2, 0x18, 0},
		{packets.Pingreq << 4, 0},
		// Types that only servers send, and the one that nobody does.
		{packets.Reserved << 4, 0},
		{packets.Connack << 4, 3, 0, 0, 0},
		{packets.Suback << 4, 4, 0, 1, 0, 0},
		{packets.Unsuback << 4, 4, 0, 1, 0, 0},
		{packets.Pingresp << 4, 0},
		// Lengths that go on behind the end.
		{packets.Publish << 4, 3, 0xff, 0xff, 'a'},
		{packets.Publish<<4 | 2, 7, 0, 1, 'a', 0, 1, 0xff, 0x7f},
		{packets.Puback << 4, 1, 0},
		{packets.Subscribe<<4 | 2, 3, 0, 1, 0},
		{packets.Unsubscribe<<4 | 2, 6, 0, 1, 0, 0, 9, 'a'},
		{packets.Disconnect << 4, 3, 0, 0xff, 0x7f},
		{packets.Pingreq << 4, 0x80, 0x80, 0x80, 0x80, 1},
	} {
		f.Add(seed, false, byte(5))
		f.Add(seed, true, byte(5))
		f.Add(seed, true, byte(4))
	}
	s := listen(f, func(o *Options) { o.Log = nil })
	manager := s.Client("manager")
	f.Cleanup(func() { _ = manager.Close() })
	subscribeLocal(f, manager, "#", func(string) {})

	f.Fuzz(func(t *testing.T, data []byte, connected bool, version byte) {
		if connected {
			hello := &wire{t: t, version: version}
			data = append(hello.encode(connectPacket(version, "c", as("manager"))), data...)
		}
		here, there := net.Pipe()
		handled := make(chan struct{})
		go func() {
			defer close(handled)
			s.handle(there, true)
		}()
		go io.Copy(io.Discard, here)
		_ = here.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = here.Write(data) // fails when the broker hangs up in between
		_ = here.Close()
		select {
		case <-handled:
		case <-time.After(patience):
			t.Fatal("the connection is still served")
		}
		s.mu.Lock()
		conns, owners := len(s.conns), len(s.owners)
		s.mu.Unlock()
		if conns != 0 || owners != 0 || s.mqtt.Clients.Len() != 0 {
			t.Errorf("left behind: %d connections, %d client ids, %d clients of mochi's", conns, owners, s.mqtt.Clients.Len())
		}
		if n := len(s.mqtt.Topics.Subscribers(group("a")).Subscriptions); n != 0 {
			t.Errorf("left behind: %d subscriptions", n)
		}
		for _, m := range s.retained.matching("#", time.Now()) {
			if !strings.HasPrefix(m.topic, "muster/v1/") {
				t.Errorf("retained outside of the root: %q", m.topic)
			}
		}
	})
}
