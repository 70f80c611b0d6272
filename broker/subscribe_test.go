package broker

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mochi-mqtt/server/v2/packets"

	"muster/topics"
)

func TestSubscriptionVerdicts(t *testing.T) {
	long := strings.Repeat("x", topics.MaxTopic+1)
	for _, tt := range []struct {
		who, filter string
		want        byte // in MQTT 5; MQTT 3.1.1 has 0x80 for all that are 0x80 or more
	}{
		{"d1", group("a"), 0},
		{"d1", device(topics.DeviceReply, "d1"), 0},
		{"d1", device(topics.DeviceReply, "d2"), 0x87},
		{"d1", device(topics.DeviceStatus, "d1"), 0x87},
		{"d1", "muster/v1/groups/+/config", 0x87},
		{"d1", "#", 0x87},
		{"viewer", "#", 0},
		{"viewer", "+/v1/devices/+/status", 0},
		{"viewer", "$SYS/#", 0x87},
		{"viewer", "$share/g/muster/#", 0x87},
		{"viewer", "$SHARE/g/muster/#", 0x87},
		{"manager", "$share/g/muster/v1/#", 0},
		{"manager", "muster/#/config", 0x8f},
		{"manager", "muster/a+/config", 0x8f},
		{"manager", "$share/g", 0x8f},
		{"manager", long, 0x8f},
		{"manager", "a/b/c/d/e/f/g/h/i/j", 0x8f},
	} {
		for _, version := range []byte{5, 4} {
			t.Run(fmt.Sprintf("%s %.40s MQTT %d", tt.who, tt.filter, version), func(t *testing.T) {
				w := dialMemory(t, listen(t, nil), version).mustConnect("c", as(tt.who))
				want := tt.want
				if version == 4 && want >= 0x80 {
					want = 0x80
				}
				if got := w.subscribe(tt.filter); !slices.Equal(got, []byte{want}) {
					t.Errorf("answered with %#x, want %#x", got, want)
				}
			})
		}
	}
}

func TestSubscribeSeveral(t *testing.T) {
	s := listen(t, func(o *Options) { o.MaxSubscriptions = 2 })
	w := dialMemory(t, s, 5).mustConnect("c", as("viewer"))
	if got, want := w.subscribe("a/#", "$SYS/#", "b/#", "c/#"), []byte{0, 0x87, 0, 0x97}; !slices.Equal(got, want) {
		t.Errorf("answered with %#x, want %#x", got, want)
	}
	if got, want := w.subscribe("a/#"), []byte{0}; !slices.Equal(got, want) {
		t.Errorf("one that exists is answered with %#x, want %#x", got, want)
	}
	// One less makes room for one more.
	w.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Unsubscribe, Qos: 1}, PacketID: 2, Filters: packets.Subscriptions{{Filter: "b/#"}}})
	w.want(packets.Unsuback)
	if got, want := w.subscribe("d/#", "e/#"), []byte{0, 0x97}; !slices.Equal(got, want) {
		t.Errorf("after unsubscribing answered with %#x, want %#x", got, want)
	}
}

func TestSubscriptionIdentifier(t *testing.T) {
	w := dialMemory(t, listen(t, nil), 5).mustConnect("c", as("viewer"))
	pk := subscribePacket(1, "#")
	pk.Properties.SubscriptionIdentifier = []int{3}
	w.send(pk)
	if got := w.want(packets.Disconnect).ReasonCode; got != 0xa1 {
		t.Errorf("disconnected with %#x, want 0xa1", got)
	}
}

func TestPublishVerdicts(t *testing.T) {
	for _, tt := range []struct {
		who, topic string
		allowed    bool
	}{
		{"d1", device(topics.DeviceStatus, "d1"), true},
		{"d1", device(topics.DeviceCheckin, "d1"), true},
		{"d1", device(topics.DeviceStatus, "d1") + "/more", false},
		{"d1", device(topics.DeviceStatus, "d2"), false},
		{"d1", device(topics.DeviceReply, "d1"), false},
		{"d1", group("a"), false},
		{"d1", "elsewhere", false},
		{"viewer", device(topics.DeviceStatus, "viewer"), false},
		{"manager", group("a"), true},
		{"manager", device(topics.DeviceReply, "d1"), true},
		{"manager", device(topics.DeviceCheckin, "d1"), false},
		{"manager", "elsewhere", false},
	} {
		t.Run(tt.who+" "+tt.topic, func(t *testing.T) {
			s := listen(t, nil)
			watcher := dialMemory(t, s, 5).mustConnect("watcher", as("viewer"))
			watcher.subscribe("#")
			w := dialMemory(t, s, 5).mustConnect("c", as(tt.who))
			code := w.publish(tt.topic, "x", true)
			w.send(publishPacket(tt.topic, "y", 0, true))
			w.wantSilence()
			if !tt.allowed {
				if code != packets.ErrNotAuthorized.Code {
					t.Errorf("acknowledged with %#x, want %#x", code, packets.ErrNotAuthorized.Code)
				}
				watcher.wantSilence()
				if n := s.Stats().Retained; n != 0 {
					t.Errorf("%d messages are retained", n)
				}
				return
			}
			if code >= 0x80 {
				t.Errorf("refused with %#x", code)
			}
			watcher.wantMessage(tt.topic, "x")
			watcher.wantMessage(tt.topic, "y")
		})
	}
}

func TestLargestPayload(t *testing.T) {
	for _, tt := range []struct {
		size int
		want byte
	}{{topics.MaxPayload, packets.Puback}, {topics.MaxPayload + 1, packets.Disconnect}} {
		w := dialMemory(t, listen(t, nil), 5).mustConnect("c", as("manager"))
		w.send(publishPacket(group("a"), strings.Repeat("x", tt.size), 1, true))
		if pk := w.want(tt.want); tt.want == packets.Disconnect && pk.ReasonCode != 0x95 {
			t.Errorf("%d bytes: disconnected with %#x, want 0x95", tt.size, pk.ReasonCode)
		}
	}
}

func TestRetainHandling(t *testing.T) {
	s := listen(t, nil)
	dialMemory(t, s, 5).mustConnect("m", as("manager")).publish(group("a"), "x", true)
	for _, filter := range []string{group("a"), "muster/v1/groups/+/config"} {
		for handling, want := range []struct{ first, again bool }{{true, true}, {true, false}, {false, false}} {
			t.Run(fmt.Sprintf("%s, %d", filter, handling), func(t *testing.T) {
				w := dialMemory(t, s, 5).mustConnect("c", as("viewer"))
				pk := subscribePacket(1, filter)
				pk.Filters[0].RetainHandling = byte(handling)
				for _, replayed := range []bool{want.first, want.again} {
					w.send(pk)
					w.want(packets.Suback)
					if replayed {
						if m := w.wantMessage(group("a"), "x"); !m.FixedHeader.Retain || m.FixedHeader.Qos != 0 {
							t.Errorf("replayed as %+v", m.FixedHeader)
						}
					}
					w.wantSilence()
				}
			})
		}
	}
}

func TestRetainedMessages(t *testing.T) {
	for _, version := range []byte{5, 4} {
		t.Run(fmt.Sprint("MQTT ", version), func(t *testing.T) {
			s := listen(t, func(o *Options) { o.MaxRetained = 2 })
			m := dialMemory(t, s, version).mustConnect("m", as("manager"))
			m.publish(group("a"), "1", true)
			m.publish(group("b"), "1", true)
			m.publish(group("a"), "2", true)
			w := dialMemory(t, s, version).mustConnect("c", as("viewer"))
			w.subscribe(group("a"))
			w.wantMessage(group("a"), "2")
			w.wantSilence() // the replay is over
			m.publish(group("a"), "3", true)
			if pk := w.wantMessage(group("a"), "3"); pk.FixedHeader.Retain {
				t.Error("a new message has the retain flag")
			}
			if code := m.publish(group("c"), "1", true); version == 5 && code != packets.ErrQuotaExceeded.Code {
				t.Errorf("one topic too many is acknowledged with %#x", code)
			}
			m.publish(group("a"), "", true)
			w.wantMessage(group("a"), "")
			m.publish(group("c"), "2", true)
			all := dialMemory(t, s, version).mustConnect("d", as("viewer"))
			all.subscribe("#")
			got := map[string]string{}
			for range 2 {
				pk := all.want(packets.Publish)
				got[pk.TopicName] = string(pk.Payload)
			}
			if got[group("b")] != "1" || got[group("c")] != "2" {
				t.Errorf("replayed %v, want b and c", got)
			}
			all.wantSilence()
		})
	}
}

// Overlapping subscriptions of one client bring a message once (MQTT 5.0 §3.3.4 allows it), and retain as
// published keeps the flag.
func TestOverlappingSubscriptions(t *testing.T) {
	s := listen(t, nil)
	w := dialMemory(t, s, 5).mustConnect("c", as("viewer"))
	w.subscribe("#", group("a"), "muster/v1/groups/+/config")
	asPublished := dialMemory(t, s, 5).mustConnect("d", as("viewer"))
	pk := subscribePacket(1, "#")
	pk.Filters[0].RetainAsPublished = true
	asPublished.send(pk)
	asPublished.want(packets.Suback)
	dialMemory(t, s, 5).mustConnect("m", as("manager")).publish(group("a"), "x", true)
	w.wantMessage(group("a"), "x")
	w.wantSilence()
	if !asPublished.wantMessage(group("a"), "x").FixedHeader.Retain {
		t.Error("retain as published: the flag is gone")
	}
}

// hookedConn calls a function before each write.
type hookedConn struct {
	net.Conn
	before func([]byte)
}

func (c hookedConn) Write(p []byte) (int, error) {
	c.before(p)
	return c.Conn.Write(p)
}

// A message that is replaced or cleared while it is replayed may be overtaken by its successor. The newest is
// what a subscriber has in the end.
func TestReplayEndsWithTheNewest(t *testing.T) {
	for _, newest := range []string{"new", ""} {
		for _, filter := range []string{group("a"), "#"} {
			t.Run(fmt.Sprintf("%q to %s", newest, filter), func(t *testing.T) {
				s := listen(t, nil)
				m := dialMemory(t, s, 5).mustConnect("m", as("manager"))
				m.publish(group("a"), "old", true)
				here, there := net.Pipe()
				go s.handle(hookedConn{there, func(p []byte) {
					if bytes.HasSuffix(p, []byte("old")) {
						m.publish(group("a"), newest, true)
					}
				}}, true)
				w := newWire(t, here, 5).mustConnect("c", as("viewer"))
				w.subscribe(filter)
				var got []string
				for range 3 { // the old one, the new one by itself, and the new one again after the old
					got = append(got, string(w.want(packets.Publish).Payload))
				}
				if last := got[2]; last != newest || !slices.Contains(got, "old") {
					t.Errorf("received %q", got)
				}
				w.wantSilence()
			})
		}
	}
}

// Properties go through as they came, and nothing is added: no expiry to a message without one, no echo of user
// properties in the acknowledgement.
func TestMessageProperties(t *testing.T) {
	s := listen(t, nil)
	w := dialMemory(t, s, 5).mustConnect("w", as("viewer"))
	w.subscribe("#")
	m := dialMemory(t, s, 5).mustConnect("m", as("manager"))
	out := publishPacket(group("a"), "x", 1, true)
	sent := packets.Properties{
		PayloadFormat: 1, PayloadFormatFlag: true, ContentType: "text/plain", ResponseTopic: group("r"),
		CorrelationData: []byte{1, 0}, User: []packets.UserProperty{{Key: "k", Val: "v"}, {Key: "k", Val: "w"}},
	}
	out.Properties = sent
	m.send(out)
	if got := m.want(packets.Puback).Properties.User; len(got) != 0 {
		t.Errorf("the acknowledgement echoes %v", got)
	}
	m.wantSilence()
	late := dialMemory(t, s, 5).mustConnect("late", as("viewer"))
	late.subscribe("#")
	for name, receiver := range map[string]*wire{"live": w, "replayed": late} {
		if diff := cmp.Diff(sent, receiver.wantMessage(group("a"), "x").Properties); diff != "" {
			t.Errorf("%s (-sent +received):\n%s", name, diff)
		}
	}
}

// A client that subscribes over and over has one replay at a time.
func TestOneReplayAtATime(t *testing.T) {
	const messages = 500
	s := listen(t, func(o *Options) { o.TCPAddr = "127.0.0.1:0" })
	manager := s.Client("manager")
	defer manager.Close()
	subject := &subject{t: t, guarded: s, manager: manager}
	for i := range messages {
		subject.publish(group(fmt.Sprint(i)), "x", true)
	}
	w := dialTCP(t, s.TCPAddr(), 5).mustConnect("w", as("viewer"))
	const rounds = 5
	for i := range rounds {
		w.send(subscribePacket(uint16(i+1), "#"))
	}
	subacks, received := 0, 0
	for received < rounds*messages {
		pk, err := w.receive(patience)
		if err != nil {
			t.Fatalf("%d of %d messages arrived: %v", received, rounds*messages, err)
		}
		if pk.FixedHeader.Type == packets.Publish {
			received++
			continue
		}
		// The SUBACK of round n+2 follows the whole replay of round n.
		if want := (subacks - 1) * messages; received < want {
			t.Errorf("SUBACK %d came after %d messages, want %d or more", subacks+1, received, want)
		}
		subacks++
	}
}
