package broker

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
)

// mochi looks at every client every second.
func TestTrapHousekeepingCost(t *testing.T) {
	const clients = 200
	compare(t, setup{housekeeping: true}, func(s *subject) (expensive bool) {
		for i := range clients {
			s.dial(4).mustConnect(fmt.Sprint("c", i), as("manager"))
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		runtime.ReadMemStats(&after)
		perSecond := (after.TotalAlloc - before.TotalAlloc) / 600
		s.t.Logf("%d idle clients cost %d bytes of garbage a second", clients, perSecond)
		return perSecond > 10*clients
	}, true, false)
}

// mochi allocates a queue of 64 KiB for each connection.
func TestTrapQueuePerConnection(t *testing.T) {
	compare(t, setup{}, func(s *subject) (large bool) {
		const clients = 100
		keep := make([]*mqtt.Client, clients)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for i := range keep {
			keep[i] = s.mochi.NewClient(nil, "", "", false)
		}
		runtime.ReadMemStats(&after)
		each := (after.TotalAlloc - before.TotalAlloc) / clients
		s.t.Logf("a client takes %d bytes", each)
		runtime.KeepAlive(keep)
		return each > 8<<10
	}, true, false)
}

// Before authentication, a peer may announce a packet of any size, and mochi allocates it.
func TestTrapPacketSizeBeforeAuthentication(t *testing.T) {
	compare(t, setup{}, func(s *subject) (refused bool) {
		w := s.dial(5)
		const size = 64 << 20
		header := []byte{packets.Connect << 4, size&0x7f | 0x80, size>>7&0x7f | 0x80, size>>14&0x7f | 0x80, size >> 21 & 0x7f}
		if _, err := w.Write(header); err != nil {
			s.t.Fatal(err)
		}
		_, err := w.receive(time.Second)
		return ended(err)
	}, false, true)
}

// A peer that sends nothing may stay for ever.
func TestTrapNoConnectTimeout(t *testing.T) {
	compare(t, setup{}, func(s *subject) (patient bool) {
		w := s.dial(5)
		if _, err := w.Write([]byte{packets.Connect << 4}); err != nil {
			s.t.Fatal(err)
		}
		_, err := w.receive(time.Hour)
		return errors.Is(err, os.ErrDeadlineExceeded)
	}, true, false)
}

// exhausted is a listener whose first Accept finds no file descriptor left.
type exhausted struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *exhausted) Accept() (net.Conn, error) {
	failed := false
	l.once.Do(func() { failed = true })
	if failed {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	select {
	case nc := <-l.conns:
		return nc, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}
func (l *exhausted) Close() error   { close(l.closed); return nil }
func (l *exhausted) Addr() net.Addr { return &net.TCPAddr{} }

// One error of accept ends mochi's listener without a word.
func TestTrapAcceptErrorEndsListener(t *testing.T) {
	compare(t, setup{}, func(s *subject) (accepted bool) {
		l := &exhausted{conns: make(chan net.Conn), closed: make(chan struct{})}
		defer func() {
			_ = l.Close()
			synctest.Wait()
		}()
		if s.guarded != nil {
			go s.guarded.accept(&patientListener{Listener: l, done: s.guarded.done, log: s.guarded.log}, nil)
		} else {
			bare := listeners.NewNet("exhausted", l)
			if err := bare.Init(s.mochi.Log); err != nil {
				s.t.Fatal(err)
			}
			go bare.Serve(s.mochi.EstablishConnection)
		}
		here, there := net.Pipe()
		select {
		case l.conns <- there:
		case <-time.After(time.Minute):
			return false
		}
		newWire(s.t, here, 5).connect("w", as("manager"))
		return true
	}, false, true)
}

// An oversize packet is answered with a bare end of the connection, and nobody was told the limit.
func TestTrapOversizePacket(t *testing.T) {
	type result struct {
		limit uint32
		told  byte
	}
	limited := setup{mochi: func(o *mqtt.Options) { o.Capabilities.MaximumPacketSize = maxPacket }}
	compare(t, limited, func(s *subject) result {
		w := s.dial(5)
		limit := w.connect("w", as("manager")).Properties.MaximumPacketSize
		large := w.encode(publishPacket(group("a"), string(make([]byte, maxPacket)), 1, false))
		go w.Write(large) // fails when the other side hangs up
		pk, err := w.receive(time.Minute)
		if err != nil {
			return result{limit: limit}
		}
		return result{limit, pk.ReasonCode}
	}, result{}, result{maxPacket, packets.ErrPacketTooLarge.Code})
}

// A network client called "inline" takes the place of the client in the process.
func TestTrapInlineClientID(t *testing.T) {
	compare(t, setup{}, func(s *subject) (accepted bool) {
		return s.dial(5).connect(mqtt.InlineClientId, as("manager")).ReasonCode == 0
	}, true, false)
}

// Closing twice panics.
func TestTrapCloseTwice(t *testing.T) {
	t.Run("bare", func(t *testing.T) {
		defer func() {
			if recover() == nil {
				t.Error("mochi survives it: the trap does not show")
			}
		}()
		s := mqtt.New(&mqtt.Options{Logger: slog.New(slog.DiscardHandler)})
		_ = s.Close()
		_ = s.Close()
	})
	t.Run("guarded", func(t *testing.T) {
		s := listen(t, nil)
		for range 3 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// A SUBSCRIBE of MQTT 5 that ends before a filter's options panics, and takes the whole process along.
func TestTrapMalformedSubscribePanics(t *testing.T) {
	compare(t, setup{}, func(s *subject) (panicked bool) {
		here, there := net.Pipe()
		done := make(chan bool)
		go func() {
			defer func() { done <- recover() != nil }()
			s.serve(there)
		}()
		w := newWire(s.t, here, 5).mustConnect("w", as("manager"))
		w.subscribe(group("a"))
		if _, err := w.Write([]byte{packets.Subscribe<<4 | 2, 6, 0, 1, 0, 0, 1, 'a'}); err != nil {
			s.t.Fatal(err)
		}
		if s.guarded != nil {
			if code := w.want(packets.Disconnect).ReasonCode; code != packets.ErrMalformedPacket.Code {
				s.t.Errorf("disconnected with %#x", code)
			}
		}
		panicked = <-done
		if s.guarded == nil {
			_ = there.Close()
			return panicked
		}
		if n := s.guarded.Stats().Panics; n != 1 {
			s.t.Errorf("%d panics were counted, want 1", n)
		}
		if s.mochi.Clients.Len() != 0 || len(s.mochi.Topics.Subscribers(group("a")).Subscriptions) != 0 {
			s.t.Error("the client is still in the broker")
		}
		return panicked
	}, true, false)
}

// barrier is a hook that puts the two ends of a takeover into an order that scheduling may put them into: the
// old connection has seen that it was not taken over, and removes itself when the new one is established.
type barrier struct {
	allow
	oldIsLeaving, newIsIn chan struct{}
	once                  sync.Once
}

func (*barrier) Provides(b byte) bool {
	return (&allow{}).Provides(b) || b == mqtt.OnUnsubscribed || b == mqtt.OnPacketProcessed
}

func (b *barrier) OnUnsubscribed(*mqtt.Client, packets.Packet) {
	if bytes.Contains(debug.Stack(), []byte("inheritClientSession")) { // the new connection's goroutine
		<-b.oldIsLeaving
		return
	}
	b.once.Do(func() {
		close(b.oldIsLeaving)
		<-b.newIsIn
	})
}

func (b *barrier) OnPacketProcessed(_ *mqtt.Client, pk packets.Packet, _ error) {
	if pk.FixedHeader.Type == packets.Pingreq {
		close(b.newIsIn)
	}
}

// The end of a connection can remove the one that took over its client id: that stays connected and hears
// nothing any more.
func TestTrapTakeoverRemovesNewConnection(t *testing.T) {
	ordered := setup{hooks: func() []mqtt.Hook {
		return []mqtt.Hook{&barrier{oldIsLeaving: make(chan struct{}), newIsIn: make(chan struct{})}}
	}}
	compare(t, ordered, func(s *subject) (heard bool) {
		old := s.dial(5).mustConnect("same", as("manager"))
		old.subscribe(group("a"))
		go io.Copy(io.Discard, old.Conn)
		w := s.dial(5).mustConnect("same", as("manager"))
		w.subscribe(group("a"))
		w.wantSilence()
		synctest.Wait()
		s.publish(group("a"), "x", false)
		_, err := w.receive(time.Second)
		return err == nil
	}, false, true)
}

// A client that is gone before it was answered stays among mochi's clients.
func TestTrapVanishedClientStays(t *testing.T) {
	compare(t, setup{}, func(s *subject) (stays bool) {
		w := s.dial(5)
		w.send(connectPacket(5, "w", as("manager")))
		_ = w.Close()
		synctest.Wait()
		_, stays = s.mochi.Clients.Get("w")
		return stays
	}, true, false)
}

// A keep-alive of more than 12 h is cut short by an overflow.
func TestTrapLongKeepAlive(t *testing.T) {
	compare(t, setup{}, func(s *subject) (alive bool) {
		w := s.dial(4).mustConnect("w", as("manager"), func(pk *packets.Packet) { pk.Connect.Keepalive = 65_535 })
		_, err := w.receive(18 * time.Hour)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return false
		}
		w.wantSilence()
		return true
	}, false, true)
}

// mochi sends a DISCONNECT to MQTT 3.1.1 clients, for which no server has one.
func TestTrapDisconnectForOldClients(t *testing.T) {
	compare(t, setup{}, func(s *subject) (sent bool) {
		old := s.dial(4).mustConnect("same", as("manager"))
		received := make(chan error, 1)
		go func() {
			_, err := old.receive(time.Minute)
			received <- err
		}()
		s.dial(4).mustConnect("same", as("manager"))
		return <-received == nil
	}, true, false)
}

// A PUBLISH with QoS 2 is answered as if it had QoS 1, and a 3.1.1 client waits for PUBREC for ever.
func TestTrapQoS2(t *testing.T) {
	qos1 := setup{mochi: func(o *mqtt.Options) { o.Capabilities.MaximumQos = 1 }}
	compare(t, qos1, func(s *subject) (wrongAnswer bool) {
		w := s.dial(4).mustConnect("w", as("manager"))
		w.send(publishPacket(group("a"), "x", 2, false))
		pk, err := w.receive(time.Minute)
		return err == nil && pk.FixedHeader.Type == packets.Puback
	}, true, false)
}

// A QoS 1 PUBLISH to a topic of the broker's is dropped, and its publisher waits for the acknowledgement.
func TestTrapSysPublishHangs(t *testing.T) {
	compare(t, setup{}, func(s *subject) (answered bool) {
		w := s.dial(5).mustConnect("w", as("manager"))
		w.send(publishPacket("$SYS/x", "x", 1, false))
		_, err := w.receive(time.Minute)
		return err == nil
	}, false, true)
}

// An empty will, which clears a retained message, is refused.
func TestTrapEmptyWill(t *testing.T) {
	compare(t, setup{}, func(s *subject) (accepted bool) {
		return s.dial(5).connect("w", as("manager"), withWill(group("a"), "", true)).ReasonCode == 0
	}, false, true)
}
