package broker

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/mochi-mqtt/server/v2/packets"

	"muster/topics"
)

func isDevice(name string) func(topics.Subject) bool {
	return func(s topics.Subject) bool { return s.Role == topics.RoleDevice && s.Name == name }
}

// Whoever is meant is told why and gone, its will is published, what it sends afterwards is not; others stay.
func TestDisconnect(t *testing.T) {
	for why, code := range map[Reason]byte{NotAuthorized: 0x87, AdministrativeAction: 0x98} {
		s := listen(t, func(o *Options) { o.TCPAddr = "127.0.0.1:0" })
		status := device(topics.DeviceStatus, "d1")
		watcher := dialTCP(t, s.TCPAddr(), 5).mustConnect("watcher", as("viewer"))
		watcher.subscribe("#")
		out := dialTCP(t, s.TCPAddr(), 5).mustConnect("d1", as("d1"), withWill(status, "offline", true))
		stays := dialTCP(t, s.TCPAddr(), 5).mustConnect("d2", as("d2"))
		old := dialTCP(t, s.TCPAddr(), 4).mustConnect("d3", as("d3"))

		if n := s.Disconnect(why, isDevice("d1")); n != 1 {
			t.Errorf("%d are disconnected, want 1", n)
		}
		_, _ = out.Write(out.encode(publishPacket(status, "still here", 0, true)))
		if got := out.want(packets.Disconnect).ReasonCode; got != code {
			t.Errorf("told %#x, want %#x", got, code)
		}
		out.wantEnd()
		watcher.wantMessage(status, "offline")
		watcher.wantSilence()
		stays.wantSilence()
		if n := s.Disconnect(why, isDevice("d3")); n != 1 {
			t.Errorf("%d are disconnected, want 1", n)
		}
		old.wantEnd() // MQTT 3.1.1 has no way to say why
		if n := s.Disconnect(why, isDevice("nobody")); n != 0 {
			t.Errorf("%d are disconnected, want none", n)
		}
	}
}

// Whoever was found to be somebody just before that changed is asked about again: nobody slips through between the answer of
// Authenticate and the place in the broker.
func TestDisconnectDuringConnect(t *testing.T) {
	var s *Server
	var out atomic.Bool
	s = listen(t, func(o *Options) {
		o.Authenticate = func(l Login) (topics.Subject, error) {
			if out.Load() {
				return topics.Subject{}, errors.New("revoked")
			}
			out.Store(true)
			s.Disconnect(NotAuthorized, isDevice("d1"))
			return authenticate(l)
		}
	})
	if got := dialMemory(t, s, 5).connect("d1", as("d1")).ReasonCode; got != 0x86 {
		t.Errorf("answered with %#x, want 0x86", got)
	}
}

// A device gets the client id that is its name, whoever has it, and one whose certificate has expired is the same device; others do not
// get a device's.
func TestClientIDOfADevice(t *testing.T) {
	roles := map[string]topics.Role{"renewing": topics.RoleRenewing, "enrolling": topics.RoleEnrolling, "viewer": topics.RoleViewer, "device": topics.RoleDevice}
	s := listen(t, func(o *Options) {
		o.TCPAddr = "127.0.0.1:0"
		o.Authenticate = func(l Login) (topics.Subject, error) {
			return topics.Subject{Role: roles[l.Username], Name: "d1"}, nil
		}
	})
	for _, tt := range []struct {
		first, second string
		code          byte
	}{
		{"device", "renewing", 0}, {"renewing", "device", 0}, {"enrolling", "device", 0}, {"viewer", "device", 0}, {"viewer", "renewing", 0},
		{"device", "enrolling", 0x85}, {"device", "viewer", 0x85}, {"viewer", "enrolling", 0x85},
	} {
		first := dialTCP(t, s.TCPAddr(), 5).mustConnect("d1", as(tt.first))
		second := dialTCP(t, s.TCPAddr(), 5)
		if got := second.connect("d1", as(tt.second)).ReasonCode; got != tt.code {
			t.Errorf("%s after %s: %#x, want %#x", tt.second, tt.first, got, tt.code)
		}
		if tt.code != 0 {
			first.wantSilence()
		} else if got := first.want(packets.Disconnect).ReasonCode; got != 0x8e {
			t.Errorf("%s before %s is told %#x, want 0x8e", tt.first, tt.second, got)
		}
		_, _ = first.Close(), second.Close()
		eventually(t, "both are gone", func() bool { return s.Connections() == 0 })
	}
}

// A packet that was on its way to the reader when its connection was ended is not looked at.
func TestPacketAfterDisconnect(t *testing.T) {
	s := listen(t, nil)
	w := dialMemory(t, s, 5).mustConnect("d1", as("d1"))
	cl, ok := s.mqtt.Clients.Get("d1")
	if !ok {
		t.Fatal("the client is not there")
	}
	g := &guard{server: s}
	if _, err := g.OnPacketRead(cl, publishPacket(device(topics.DeviceStatus, "d1"), "x", 0, true)); err != nil {
		t.Fatalf("before: %v", err)
	}
	s.Disconnect(NotAuthorized, isDevice("d1"))
	if _, err := g.OnPacketRead(cl, publishPacket(device(topics.DeviceStatus, "d1"), "x", 0, true)); !errors.Is(err, packets.ErrRejectPacket) {
		t.Errorf("after: %v, want that it is rejected", err)
	}
	w.want(packets.Disconnect)
}
