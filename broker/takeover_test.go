package broker

import (
	"crypto/tls"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// Two that are there with one identity are told of, over plain connections and TLS; one that is not there any more, and comes back, is not.
func TestTakenOver(t *testing.T) {
	told := make(chan Takeover, 10)
	pki := newPKI(t)
	s := listen(t, func(o *Options) {
		o.TCPAddr, o.TLSAddr, o.TLS = "127.0.0.1:0", "127.0.0.1:0", pki.server
		o.TakenOver = func(t Takeover) { told <- t }
	})
	dialTLS := func() *wire {
		nc, err := tls.Dial("tcp", s.TLSAddr().String(), pki.client)
		if err != nil {
			t.Fatal(err)
		}
		return newWire(t, nc, 5)
	}
	for _, version := range []byte{5, 4} {
		for name, dial := range map[string]func() *wire{"plain": func() *wire { return dialTCP(t, s.TCPAddr(), 5) }, "tls": dialTLS} {
			old := dial()
			old.version = version
			old.mustConnect("d1", as("d1"))
			next := dial().mustConnect("d1", as("d1"))
			if version == 5 {
				old.want(packets.Disconnect)
			} else {
				old.wantEnd()
			}
			_ = old.Close()
			select {
			case got := <-told:
				if got.Subject.Name != "d1" || got.Old.String() != old.LocalAddr().String() || got.New.String() != next.LocalAddr().String() {
					t.Errorf("told of %+v, want %v and %v", got, old.LocalAddr(), next.LocalAddr())
				}
			case <-time.After(patience):
				t.Errorf("%s, MQTT %d: two with one identity, and nothing is said of it", name, version)
			}
			_ = next.Close()
			eventually(t, "the next is gone", func() bool { return s.Connections() == 0 })
		}
	}

	lost := dialTCP(t, s.TCPAddr(), 5).mustConnect("d1", as("d1")) // says nothing any more, and reads nothing
	dialTCP(t, s.TCPAddr(), 5).mustConnect("d1", as("d1"))
	eventually(t, "the lost connection is over", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.conns) == 1
	})
	_ = lost.Close()
	if len(told) != 0 {
		t.Errorf("told of %+v, a client that came back", <-told)
	}
}

// A client id that somebody else has to give to its device is no takeover of an identity.
func TestNotTakenOver(t *testing.T) {
	told := make(chan Takeover, 10)
	s := listen(t, func(o *Options) {
		o.TCPAddr = "127.0.0.1:0"
		o.TakenOver = func(t Takeover) { told <- t }
	})
	squatter := dialTCP(t, s.TCPAddr(), 5).mustConnect("d1", as("viewer"))
	dialTCP(t, s.TCPAddr(), 5).mustConnect("d1", as("d1"))
	squatter.want(packets.Disconnect)
	_ = squatter.Close()
	eventually(t, "the other is over", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.conns) == 1
	})
	if len(told) != 0 {
		t.Errorf("told of %+v", <-told)
	}
}
