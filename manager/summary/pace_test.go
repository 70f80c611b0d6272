package summary

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster/broker/client"
	"muster/manager/devices"
	"muster/topics"
)

// A memory is a broker and a client of it without a network, for tests in which time is synctest's.
type memory struct {
	client.Client
	mu        sync.Mutex
	retained  map[string]client.Message
	handlers  map[string]client.Handler
	onUp      []func()
	published map[string]int
}

func newMemory() *memory {
	return &memory{
		retained: make(map[string]client.Message), handlers: make(map[string]client.Handler), published: make(map[string]int),
	}
}

func (m *memory) Subscribe(s client.Subscription) error {
	m.mu.Lock()
	m.handlers[s.Filter] = s.Handler
	retained := maps.Clone(m.retained)
	m.mu.Unlock()
	for topic, message := range retained {
		if topics.Match(s.Filter, topic) {
			s.Handler(message)
		}
	}
	return nil
}

func (m *memory) OnUp(f func()) {
	m.mu.Lock()
	m.onUp = append(m.onUp, f)
	m.mu.Unlock()
	f()
}

func (m *memory) reconnect() {
	for _, up := range m.onUp {
		up()
	}
}

func (m *memory) Publish(_ context.Context, message client.Message) error {
	m.mu.Lock()
	m.published[message.Topic]++
	m.mu.Unlock()
	m.put(message)
	return nil
}

// put is a message from anywhere.
func (m *memory) put(message client.Message) {
	m.mu.Lock()
	if m.retained[message.Topic] = message; len(message.Payload) == 0 {
		delete(m.retained, message.Topic)
	}
	handlers := maps.Clone(m.handlers)
	m.mu.Unlock()
	for filter, handler := range handlers {
		if topics.Match(filter, message.Topic) {
			handler(message)
		}
	}
}

// said is how many messages were published since the last call.
func (m *memory) said() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	said := m.published
	m.published = make(map[string]int)
	return said
}

// paced runs a publisher with its default interval in a bubble.
func paced(t *testing.T, prepare func(*memory), test func(t *testing.T, m *memory, log *bytes.Buffer)) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		if prepare != nil {
			prepare(m)
		}
		var log bytes.Buffer // written from this goroutine's messages only
		configs, to := &groups{ids: map[string]int64{"shops": 2}}, slog.New(slog.NewTextHandler(&log, nil))
		known := devices.New(m, noRows{}, configs, devices.Options{Log: to})
		p := New(m, configs, known, Options{Log: to})
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { known.Run(ctx) })
		running.Go(func() { p.Run(ctx) })
		synctest.Wait()
		test(t, m, &log)
		cancel()
		running.Wait()
	})
}

func pause(d time.Duration) {
	time.Sleep(d) // synctest's time
	synctest.Wait()
}

func statusOf(t *testing.T, device string, configID int64) client.Message {
	t.Helper()
	payload, err := topics.Status{
		State: topics.Online, Session: 1, DeviceGroup: "shops", Version: topics.Version{Epoch: epoch, ConfigID: configID},
	}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return client.Message{Topic: topics.DefaultRoot.Topic(topics.DeviceStatus, device), Payload: payload, Retain: true}
}

const (
	shopsTopic = "muster/v1/groups/shops/summary"
	fleetTopic = "muster/v1/summary"
)

func TestSummariesAreSeldom(t *testing.T) {
	paced(t, nil, func(t *testing.T, m *memory, _ *bytes.Buffer) {
		pause(10*time.Second - time.Millisecond)
		if said := m.said(); len(said) != 0 {
			t.Errorf("published before everything that is retained can have come: %v", said)
		}
		pause(2 * time.Second)
		if said := m.said(); said[shopsTopic] != 1 || said[fleetTopic] != 1 {
			t.Errorf("published at first: %v", said)
		}
		pause(time.Hour)
		if said := m.said(); len(said) != 0 {
			t.Errorf("published although nothing changed: %v", said)
		}
		for i := range 1000 {
			m.put(statusOf(t, fmt.Sprint("d", i%10), int64(i+1)))
			pause(100 * time.Millisecond)
		}
		if said := m.said(); said[shopsTopic] < 8 || said[shopsTopic] > 10 || said[fleetTopic] > 10 {
			t.Errorf("published in 100 s of changes: %v", said)
		}
	})
}

func TestSummariesAfterAReconnection(t *testing.T) {
	paced(t, nil, func(t *testing.T, m *memory, _ *bytes.Buffer) {
		m.put(statusOf(t, "d1", 2))
		pause(time.Minute)
		m.said()
		late := m.handlers[topics.DefaultRoot.Filter(topics.DeviceStatus)]

		m.reconnect() // to a broker that has it all
		pause(time.Minute)
		if said := m.said(); len(said) != 0 {
			t.Errorf("published although the broker has it: %v", said)
		}

		clear(m.retained)
		m.reconnect() // to one that has lost it
		late(statusOf(t, "d2", 2))
		m.put(statusOf(t, "d1", 2)) // comes back
		pause(10*time.Second - time.Millisecond)
		if said := m.said(); len(said) != 0 {
			t.Errorf("published before all devices can have come back: %v", said)
		}
		pause(time.Minute)
		if said := m.said(); said[shopsTopic] != 1 || said[fleetTopic] != 1 {
			t.Errorf("published to a broker that has nothing: %v", said)
		}
		if s, err := topics.ParseSummary(m.retained[fleetTopic].Payload); err != nil || s.Devices != 1 {
			t.Errorf("what the connection before delivered late is counted: %+v, %v", s, err)
		}
	})
}

func TestSummariesOfOthers(t *testing.T) {
	prepare := func(m *memory) {
		for _, group := range []string{"shops", "gone"} {
			m.put(client.Message{Topic: topics.DefaultRoot.Topic(topics.GroupSummary, group), Payload: []byte("rubbish"), Retain: true})
		}
	}
	paced(t, prepare, func(t *testing.T, m *memory, _ *bytes.Buffer) {
		pause(12 * time.Second)
		if _, err := topics.ParseSummary(m.retained[shopsTopic].Payload); err != nil {
			t.Errorf("rubbish is left: %v", err)
		}
		if left, ok := m.retained["muster/v1/groups/gone/summary"]; ok {
			t.Errorf("a group that is gone still has %s", left.Payload)
		}
		m.said()
		pause(time.Minute)
		if said := m.said(); len(said) != 0 {
			t.Errorf("published although nothing changed: %v", said)
		}
	})
}

func TestUnusableStatusesAreLoggedOnceAMinute(t *testing.T) {
	paced(t, nil, func(t *testing.T, m *memory, log *bytes.Buffer) {
		topic := topics.DefaultRoot.Topic(topics.DeviceStatus, "d1")
		for range 180 {
			m.put(client.Message{Topic: topic, Payload: []byte(`{"state":"online","session":"one","device_group":"shops"}`)})
			pause(time.Second)
		}
		if n := strings.Count(log.String(), "statuses dropped"); n != 3 {
			t.Errorf("180 statuses in three minutes are logged %d times, want 3:\n%s", n, log)
		}
		for _, text := range []string{"dropped=1 ", "dropped=60 ", "last_device=d1", "session: must be"} {
			if !strings.Contains(log.String(), text) {
				t.Errorf("%q is not in the log:\n%s", text, log)
			}
		}
	})
}
