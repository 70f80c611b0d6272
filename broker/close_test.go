package broker

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"muster/topics"
)

func TestClose(t *testing.T) {
	before := runtime.NumGoroutine()
	s := listen(t, func(o *Options) { o.TCPAddr, o.WebSocketAddr = "127.0.0.1:0", "127.0.0.1:0" })
	c := s.Client("c")
	ups := make(chan struct{})
	c.OnUp(func() { close(ups) })
	<-ups
	statuses := make(chan string, 10)
	subscribeLocal(t, c, "#", func(payload string) { statuses <- payload })

	v5 := dialTCP(t, s.TCPAddr(), 5).mustConnect("five", withWill(device(topics.DeviceStatus, "d1"), "offline", true))
	v3 := dialTCP(t, s.TCPAddr(), 4).mustConnect("three")
	ws := dialWebSocket(t, "ws://"+s.WebSocketAddr().String(), nil, nil).mustConnect("ws")
	silent := dialTCP(t, s.TCPAddr(), 5)
	half := dialTCP(t, s.TCPAddr(), 5)
	if _, err := half.Write([]byte{packets.Connect << 4, 100, 0}); err != nil {
		t.Fatal(err)
	}

	start := time.Now()
	var closing sync.WaitGroup
	for range 3 {
		closing.Go(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	for name, w := range map[string]*wire{"tcp": v5, "websocket": ws} {
		if got := w.want(packets.Disconnect).ReasonCode; got != packets.ErrServerShuttingDown.Code {
			t.Errorf("%s: disconnected with %#x, want %#x", name, got, packets.ErrServerShuttingDown.Code)
		}
		w.wantEnd()
		_ = w.Close()
	}
	for _, w := range []*wire{v3, silent, half} {
		w.wantEnd()
		_ = w.Close()
	}
	closing.Wait()
	if took := time.Since(start); took > 10*goodbyeTime {
		t.Errorf("closing took %v", took)
	}
	if n := s.Connections(); n != 0 {
		t.Errorf("%d connections are left", n)
	}
	select {
	case payload := <-statuses:
		t.Errorf("a will was published: %q", payload)
	default:
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if got := s.Client("late").Publish(t.Context(), messageTo(group("a"))); got == nil {
		t.Error("a client made after Close can publish")
	}
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
}

// A peer that does not read holds up Close for a moment only.
func TestCloseWithBlockedPeer(t *testing.T) {
	s := listen(t, func(o *Options) { o.TCPAddr = "127.0.0.1:0" })
	c := s.Client("c")
	defer c.Close()
	for i := range 200 {
		(&subject{t: t, guarded: s, manager: c}).publish(group(fmt.Sprint(i)), string(make([]byte, 60_000)), true)
	}
	for i := range 5 {
		dialTCP(t, s.TCPAddr(), 5).mustConnect(fmt.Sprint(i), as("viewer")).send(subscribePacket(1, "#"))
	}
	start := time.Now()
	_ = s.Close()
	if took := time.Since(start); took > 10*goodbyeTime {
		t.Errorf("closing took %v", took)
	}
}

// A peer in the middle of an oversize packet over TCP is told why before the connection ends.
func TestOversizeOverTCP(t *testing.T) {
	s := listen(t, func(o *Options) { o.TCPAddr = "127.0.0.1:0" })
	for range 20 {
		w := dialTCP(t, s.TCPAddr(), 5).mustConnect("w", as("manager"))
		large := w.encode(publishPacket(group("a"), string(make([]byte, 8*maxPacket)), 1, false))
		if _, err := w.Write(large); err != nil {
			t.Fatalf("the connection ended before the packet did: %v", err)
		}
		if got := w.want(packets.Disconnect).ReasonCode; got != packets.ErrPacketTooLarge.Code {
			t.Fatalf("disconnected with %#x, want %#x", got, packets.ErrPacketTooLarge.Code)
		}
		_ = w.Close()
	}
}
