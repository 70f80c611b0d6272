package summary

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"muster/broker"
	"muster/broker/client"
	"muster/broker/client/network"
	"muster/manager/devices"
	"muster/manager/store"
	"muster/test/rig"
	"muster/topics"
)

const epoch = "01JD0000000000000000000000"

// groups are the device_groups that exist, by the config_id that is wanted.
type groups struct {
	mu  sync.Mutex
	ids map[string]int64
}

func (g *groups) set(group string, id int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if id == 0 {
		delete(g.ids, group)
		return
	}
	g.ids[group] = id
}

func (g *groups) Groups() (names []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for name := range g.ids {
		names = append(names, name)
	}
	return names
}

func (g *groups) Latest(group string) (store.Snapshot, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	id, ok := g.ids[group]
	if !ok {
		return store.Snapshot{}, false
	}
	return store.Snapshot{Head: store.Head{DeviceGroup: group, Version: topics.Version{Epoch: epoch, ConfigID: id}}}, true
}

// A viewer knows what the summary topics hold, as anybody who looks on.
type viewer struct {
	t    *testing.T
	mu   sync.Mutex
	held map[string]topics.Summary // "" is the fleet's
	all  int                       // messages
}

func view(t *testing.T, c client.Client) *viewer {
	v := &viewer{t: t, held: make(map[string]topics.Summary)}
	for _, kind := range []topics.Kind{topics.GroupSummary, topics.FleetSummary} {
		err := c.Subscribe(client.Subscription{Filter: topics.DefaultRoot.Filter(kind), QoS: 1, Handler: func(m client.Message) {
			v.mu.Lock()
			defer v.mu.Unlock()
			v.all++
			topic, err := topics.DefaultRoot.Parse(m.Topic)
			if err != nil {
				t.Error(err)
			}
			if len(m.Payload) == 0 {
				delete(v.held, topic.Name)
				return
			}
			s, err := topics.ParseSummary(m.Payload)
			if err != nil || time.Since(s.At).Abs() > time.Hour {
				t.Errorf("summary %s: %v", m.Payload, err)
			}
			v.held[topic.Name] = s
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	return v
}

func (v *viewer) await(want map[string]topics.Summary) {
	v.t.Helper()
	var diff string
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		v.mu.Lock()
		diff = cmp.Diff(want, v.held, cmpopts.IgnoreFields(topics.Summary{}, "At"))
		v.mu.Unlock()
		if diff == "" {
			return
		}
	}
	v.t.Fatalf("summaries (-want +got):\n%s", diff)
}

func (v *viewer) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.all
}

// say publishes a status as the device would.
func say(t *testing.T, c client.Client, device string, s topics.Status) {
	t.Helper()
	payload, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	publish(t, c, topics.DefaultRoot.Topic(topics.DeviceStatus, device), payload)
}

func publish(t *testing.T, c client.Client, topic string, payload []byte) {
	t.Helper()
	for range 500 {
		err := c.Publish(t.Context(), client.Message{Topic: topic, Payload: payload, QoS: 1, Retain: true})
		if err == nil {
			return
		}
		if !errors.Is(err, client.ErrNotConnected) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("not connected")
}

func dial(t *testing.T, url, id string) client.Client {
	t.Helper()
	c, err := network.Dial(network.Options{URL: url, ClientID: id, Backoff: network.Backoff{Min: 10 * time.Millisecond, Max: 100 * time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// noRows is a store that knows of no device.
type noRows struct{ store.Devices }

func (noRows) Heads(context.Context, string, int) ([]store.DeviceHead, error) { return nil, nil }

func (noRows) ChangedSince(context.Context, time.Time, string, int) ([]store.DeviceHead, error) {
	return nil, nil
}

func run(t *testing.T, c client.Client, configs devices.Configs, behind func() []string) (stop func()) {
	t.Helper()
	known := devices.New(c, noRows{}, configs, devices.Options{Settle: 50 * time.Millisecond})
	p := New(c, configs, known, Options{Interval: 50 * time.Millisecond, Behind: behind})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { known.Run(ctx) })
	running.Go(func() { p.Run(ctx) })
	stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	t.Cleanup(stop)
	return stop
}

// The counts arrive on every kind of broker, follow what happens, and are said once.
func TestPublisher(t *testing.T) {
	test := func(t *testing.T, manager, devices, onlooker client.Client) {
		configs := &groups{ids: map[string]int64{"shops": 2, "empty": 1}}
		v := view(t, onlooker)
		stop := run(t, manager, configs, func() []string { return []string{"empty"} })
		at := func(id int64) topics.Version { return topics.Version{Epoch: epoch, ConfigID: id} }
		empty := topics.Summary{DeviceGroup: "empty", Wanted: at(1), StoreBehind: 1}

		say(t, devices, "d1", topics.Status{State: topics.Online, Session: 1, DeviceGroup: "shops", Version: at(2)})
		say(t, devices, "d2", topics.Status{State: topics.Online, Session: 1, DeviceGroup: "shops", Version: at(1), Failing: []topics.Failure{{App: "web", Reason: "no"}}})
		publish(t, devices, topics.DefaultRoot.Topic(topics.DeviceStatus, "d3"), []byte("nonsense"))
		v.await(map[string]topics.Summary{
			"": {Devices: 2, Online: 2, Current: 1, Behind: 1, Failing: 1, StoreBehind: 1, FailingApps: map[string]int64{"web": 1}},
			"shops": {DeviceGroup: "shops", Wanted: at(2), Devices: 2, Online: 2, Current: 1, Behind: 1, Failing: 1,
				ConfigIDs: map[string]int64{"1": 1, "2": 1}, FailingApps: map[string]int64{"web": 1}},
			"empty": empty,
		})

		// d2's connection is lost, d1's topic is cleared, and another config is wanted.
		say(t, devices, "d2", topics.Status{State: topics.Offline, Session: 1, DeviceGroup: "shops", Version: at(1)})
		publish(t, devices, topics.DefaultRoot.Topic(topics.DeviceStatus, "d1"), nil)
		configs.set("shops", 3)
		configs.set("empty", 0)
		v.await(map[string]topics.Summary{
			"":      {Devices: 1, Offline: 1, StoreBehind: 1},
			"shops": {DeviceGroup: "shops", Wanted: at(3), Devices: 1, Offline: 1},
		})

		// Another manager, started later, finds it all said.
		said := v.count()
		stop()
		run(t, manager, configs, func() []string { return []string{"empty"} })
		say(t, devices, "d4", topics.Status{State: topics.Online, Session: 1, DeviceGroup: "new", Version: at(1)})
		v.await(map[string]topics.Summary{
			"":      {Devices: 2, Online: 1, Offline: 1, StoreBehind: 1},
			"shops": {DeviceGroup: "shops", Wanted: at(3), Devices: 1, Offline: 1},
			"new":   {DeviceGroup: "new", Devices: 1, Online: 1, ConfigIDs: map[string]int64{"1": 1}},
		})
		if got := v.count() - said; got > 3 {
			t.Errorf("%d summaries were published for one new device, want that of its group and the fleet's", got)
		}
	}
	t.Run("embedded", func(t *testing.T) {
		server, err := broker.Listen(broker.Options{
			Root: topics.DefaultRoot, TCPAddr: "127.0.0.1:0",
			Authenticate: func(broker.Login) (topics.Subject, error) { return topics.Subject{Role: topics.RoleLocal}, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Close() })
		url := "mqtt://" + server.TCPAddr().String()
		test(t, server.Client("manager"), dial(t, url, "devices"), dial(t, url, "onlooker"))
	})
	t.Run("mosquitto", func(t *testing.T) {
		url := rig.Mosquitto(t, rig.MosquittoOptions{}).URL()
		test(t, dial(t, url, "manager"), dial(t, url, "devices"), dial(t, url, "onlooker"))
	})
}

// A broker that lost everything is told everything again, and a device that it lost the status of is not taken
// for online: it may have gone without a will.
func TestPublisherAfterABrokerLostEverything(t *testing.T) {
	mosquitto := rig.Mosquitto(t, rig.MosquittoOptions{})
	configs := &groups{ids: map[string]int64{"shops": 2}}
	run(t, dial(t, mosquitto.URL(), "manager"), configs, nil)
	wanted := topics.Version{Epoch: epoch, ConfigID: 2}
	devices := dial(t, mosquitto.URL(), "devices")
	for round := range 3 {
		v := view(t, dial(t, mosquitto.URL(), fmt.Sprint("onlooker", round)))
		v.await(map[string]topics.Summary{"": {}, "shops": {DeviceGroup: "shops", Wanted: wanted}})
		say(t, devices, "d1", topics.Status{State: topics.Online, Session: int64(round), DeviceGroup: "shops"})
		v.await(map[string]topics.Summary{
			"":      {Devices: 1, Online: 1, Behind: 1},
			"shops": {DeviceGroup: "shops", Wanted: wanted, Devices: 1, Online: 1, Behind: 1, ConfigIDs: map[string]int64{"0": 1}},
		})
		mosquitto.Stop()
		mosquitto.Start()
	}
}

// A refused client is connected to a broker that refuses everything.
type refused struct {
	client.Client
	tries int
}

func (d *refused) Publish(context.Context, client.Message) error {
	d.tries++
	return fmt.Errorf("%w: not authorized", client.ErrRefused)
}

// A summary that is refused is complained of, and holds up no other.
func TestPublisherIsRefused(t *testing.T) {
	var log bytes.Buffer
	c, configs := &refused{}, &groups{ids: map[string]int64{"shops": 2, "offices": 1}}
	p := New(c, configs, devices.New(c, noRows{}, configs, devices.Options{}), Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	p.publish(t.Context())
	if got := strings.Count(log.String(), "not authorized"); c.tries != 3 || got != 3 {
		t.Errorf("%d summaries were tried and %d refusals logged, want 3 and 3:\n%s", c.tries, got, &log)
	}
}

// A manager that starts later counts all devices, although Mosquitto queues a thousand messages at most for a
// subscription with QoS 1.
func TestPublisherCountsALargeFleet(t *testing.T) {
	const devices = 3000
	url := rig.Mosquitto(t, rig.MosquittoOptions{}).URL()
	fleet := dial(t, url, "devices")
	for i := range devices {
		say(t, fleet, fmt.Sprint("d", i), topics.Status{State: topics.Online, Session: 1, DeviceGroup: "shops"})
	}
	run(t, dial(t, url, "manager"), &groups{ids: map[string]int64{"shops": 2}}, nil)
	view(t, dial(t, url, "onlooker")).await(map[string]topics.Summary{
		"": {Devices: devices, Online: devices, Behind: devices},
		"shops": {DeviceGroup: "shops", Wanted: topics.Version{Epoch: epoch, ConfigID: 2},
			Devices: devices, Online: devices, Behind: devices, ConfigIDs: map[string]int64{"0": devices}},
	})
}
