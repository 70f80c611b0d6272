package broker

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster/test/logs"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/storage"
	"github.com/mochi-mqtt/server/v2/packets"
)

// mochi drops every retained message after 24 h.
func TestTrapRetainedMessagesExpire(t *testing.T) {
	compare(t, setup{}, func(s *subject) (kept bool) {
		s.publish(group("a"), "{}", true)
		time.Sleep(25 * time.Hour)
		if s.guarded == nil { // starting it later saves 90,000 rounds of it
			if err := s.mochi.Serve(); err != nil {
				s.t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		w := s.dial(5).mustConnect("w", as("manager"))
		w.subscribe(group("a"))
		pk, err := w.receive(time.Second)
		return err == nil && pk.TopicName == group("a")
	}, false, true)
}

// A subscriber with a Receive Maximum that falls behind once gets nothing more.
func TestTrapReceiveMaximumStalls(t *testing.T) {
	const messages = 50
	compare(t, setup{realTime: true, buffered: true}, func(s *subject) (all bool) {
		w := s.dial(5).mustConnect("w", as("manager"), func(pk *packets.Packet) { pk.Properties.ReceiveMaximum = 2 })
		w.subscribe(group("a"))
		var publishing sync.WaitGroup
		defer publishing.Wait()
		defer w.Close()
		publishing.Go(func() {
			for i := range messages {
				s.publish(group("a"), fmt.Sprint(i), false)
			}
		})
		for received := range messages {
			pk, err := w.receive(s.wait())
			if err != nil {
				s.t.Logf("%d of %d messages arrived", received, messages)
				return false
			}
			time.Sleep(time.Millisecond) // fall behind
			if pk.FixedHeader.Qos == 1 {
				w.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Puback}, PacketID: pk.PacketID})
			}
		}
		return true
	}, false, true)
}

// A QoS 1 subscriber that does not read holds up whoever publishes to it.
func TestTrapBlockedReaderBlocksPublishers(t *testing.T) {
	compare(t, setup{realTime: true}, func(s *subject) (blocked bool) {
		w := s.dial(4).mustConnect("w", as("manager"), func(pk *packets.Packet) { pk.Connect.Keepalive = 30 })
		w.subscribe(group("a"))
		published := make(chan struct{})
		go func() {
			for i := range 5 {
				s.publish(group("a"), fmt.Sprint(i), false)
				time.Sleep(5 * time.Millisecond) // mochi's writer gets stuck meanwhile
			}
			close(published)
		}()
		select {
		case <-published:
		case <-time.After(s.wait()):
			blocked = true
		}
		_ = w.Close()
		<-published
		return blocked
	}, true, false)
}

// A reader that stops reading is let go after the write timeout, however long its keep-alive is.
func TestBlockedReaderIsDisconnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := listen(t, func(o *Options) { o.WriteTimeout = 7 * time.Second })
		manager := s.Client("m")
		defer manager.Close()
		w := dialMemory(t, s, 5).mustConnect("w", as("viewer"))
		w.subscribe("#")
		subject := &subject{t: t, guarded: s, manager: manager}
		subject.publish(group("a"), "x", false)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if n := s.Connections(); n != 1 {
			t.Fatalf("%d connections before the write timeout, want 1", n)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if n := s.Connections(); n != 0 {
			t.Errorf("%d connections after the write timeout, want 0", n)
		}
	})
}

// Replaying many retained messages overflows the subscriber's queue.
func TestTrapReplayOverflows(t *testing.T) {
	const messages = 30_000
	compare(t, setup{}, func(s *subject) (all bool) {
		for i := range messages {
			s.publish(group(fmt.Sprint(i)), "x", true)
		}
		w := s.dial(5).mustConnect("w", as("manager"))
		all0 := subscribePacket(1, "muster/v1/groups/+/config")
		all0.Filters[0].Qos = 0 // where mochi does not wait for the reader
		w.send(all0)
		w.want(packets.Suback)
		time.Sleep(time.Second) // a slow subscriber
		seen := map[string]bool{}
		for len(seen) < messages {
			pk, err := w.receive(time.Second)
			if err != nil {
				s.t.Logf("%d of %d retained messages arrived", len(seen), messages)
				return false
			}
			if seen[pk.TopicName] || !pk.FixedHeader.Retain {
				s.t.Fatalf("%s arrived twice, or not as a retained message", pk.TopicName)
			}
			seen[pk.TopicName] = true
		}
		return true
	}, false, true)
}

// slowConn takes a millisecond for each write.
type slowConn struct{ net.Conn }

func (c slowConn) Write(p []byte) (int, error) {
	time.Sleep(time.Millisecond)
	return c.Conn.Write(p)
}

// When the queue is full, mochi drops a message that it has promised to deliver, and all memory of it.
func TestTrapFullQueueLosesQoS1(t *testing.T) {
	const messages = 20
	small := setup{realTime: true, mochi: func(o *mqtt.Options) { o.Capabilities.MaximumClientWritesPending = 1 }}
	compare(t, small, func(s *subject) (promiseBroken bool) {
		here, there := net.Pipe()
		go s.serve(slowConn{there})
		w := newWire(s.t, here, 5).mustConnect("w", as("manager"))
		granted := w.subscribe(group("a"))[0]
		go io.Copy(io.Discard, here)
		for i := range messages {
			s.publish(group("a"), fmt.Sprint(i), false)
		}
		cl, _ := s.mochi.Clients.Get("w")
		return granted == 1 && cl.State.Inflight.Len() < messages // and nothing was acknowledged
	}, true, false)
}

// What a slow reader misses is counted, and logged once a minute.
func TestSlowReaderIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logs.Buffer
		s := listen(t, func(o *Options) { o.Log = log.Logger() })
		manager := s.Client("m")
		defer manager.Close()
		subject := &subject{t: t, guarded: s, manager: manager}
		w := dialMemory(t, s, 5).mustConnect("w", as("viewer"))
		w.subscribe("#")
		subject.publish(group("a"), "x", false)
		synctest.Wait() // the writer has it
		queue := int(s.mqtt.Options.Capabilities.MaximumClientWritesPending)
		const missed = 70
		for range queue + missed {
			subject.publish(group("a"), "x", false)
		}
		if n := s.Stats().Dropped; n != missed {
			t.Errorf("%d messages were dropped, want %d", n, missed)
		}
		time.Sleep(10 * sweepInterval)
		if n := strings.Count(log.String(), "slow_clients=70"); n != 1 {
			t.Errorf("the drops were logged %d times, want once:\n%s", n, log.String())
		}
	})
}

// Sessions that expire stay in the tree of subscriptions.
func TestTrapExpiredSessionsStay(t *testing.T) {
	compare(t, setup{housekeeping: true}, func(s *subject) (subscriptions int) {
		w := s.dial(5).mustConnect("w", as("manager"), func(pk *packets.Packet) {
			pk.Properties.SessionExpiryInterval, pk.Properties.SessionExpiryIntervalFlag = 1, true
		})
		w.subscribe(group("a"))
		w.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Disconnect}})
		time.Sleep(time.Minute)
		if n := s.mochi.Clients.Len(); s.guarded != nil && n != 0 {
			s.t.Errorf("%d clients are left", n)
		}
		return len(s.mochi.Topics.Subscribers(group("a")).Subscriptions)
	}, 1, 0)
}

// Storage hooks forget when a message expires.
func TestTrapStorageLosesExpiry(t *testing.T) {
	t.Run("bare", func(t *testing.T) {
		stored := storage.Message{TopicName: "a", Created: 1, Properties: storage.MessageProperties{MessageExpiryInterval: 60}}
		if pk := stored.ToPacket(); pk.Expiry != 0 || pk.ProtocolVersion != 0 {
			t.Errorf("a stored message comes back with expiry %d for MQTT %d: the trap does not show", pk.Expiry, pk.ProtocolVersion)
		}
	})
	t.Run("guarded", func(t *testing.T) {
		for _, event := range []byte{
			mqtt.StoredClients, mqtt.StoredSubscriptions, mqtt.StoredInflightMessages, mqtt.StoredRetainedMessages,
			mqtt.StoredSysInfo,
		} {
			if (&guard{}).Provides(event) {
				t.Errorf("the guard stores something: event %d", event)
			}
		}
	})
}

// mochi sends a topic alias to a client that allows it, and may have dropped the message that defined it.
func TestTrapTopicAliases(t *testing.T) {
	compare(t, setup{}, func(s *subject) (nameless int) {
		w := s.dial(5).mustConnect("w", as("manager"), func(pk *packets.Packet) { pk.Properties.TopicAliasMaximum = 5 })
		w.subscribe(group("a"))
		for i := range 3 {
			s.publish(group("a"), fmt.Sprint(i), false)
			if w.want(packets.Publish).TopicName == "" {
				nameless++
			}
		}
		return nameless
	}, 2, 0)
}

// For clients in the process, mochi does not match "a/#" with "a".
func TestTrapHashMissesParent(t *testing.T) {
	compare(t, setup{}, func(s *subject) (heard bool) {
		got := make(chan struct{}, 10)
		if s.guarded != nil {
			subscribeLocal(s.t, s.manager, group("a")+"/#", func(string) { got <- struct{}{} })
		} else if err := s.mochi.Subscribe(group("a")+"/#", 1, func(*mqtt.Client, packets.Subscription, packets.Packet) { got <- struct{}{} }); err != nil {
			s.t.Fatal(err)
		}
		s.publish(group("a"), "x", false)
		synctest.Wait()
		return len(got) == 1
	}, false, true)
}
