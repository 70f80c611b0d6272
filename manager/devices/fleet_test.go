package devices

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"muster/broker/client"
	"muster/broker/client/network"
	"muster/manager/fleet"
	"muster/manager/store"
	"muster/manager/store/sqlite"
	"muster/test/rig"
	"muster/topics"
)

var discard = slog.New(slog.DiscardHandler)

// A site is a Mosquitto and a store, with devices that say what a test has them say.
type site struct {
	t      *testing.T
	broker *rig.Broker
	store  store.Store
	say    client.Client
}

func newSite(t *testing.T) *site {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "muster.db"), Log: discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	broker := rig.Mosquitto(t, rig.MosquittoOptions{})
	site := &site{t: t, broker: broker, store: s}
	site.say = site.dial("devices")
	return site
}

func (s *site) dial(id string) client.Client {
	s.t.Helper()
	c, err := network.Dial(network.Options{URL: s.broker.URL(), ClientID: id, Log: discard, Backoff: network.Backoff{Min: 10 * time.Millisecond, Max: 50 * time.Millisecond}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

// manager starts one more, which knows the devices until the test ends or stop is called.
func (s *site) manager(name string) (f *Fleet, stop func()) {
	s.t.Helper()
	f = New(s.dial(name), s.store.Devices(), wishes{"shops": {Epoch: epoch1, ConfigID: 2}}, Options{
		Settle: 200 * time.Millisecond, CacheTime: 20 * time.Millisecond, Log: discard,
	})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { f.Run(ctx) })
	stop = func() {
		cancel()
		running.Wait()
	}
	s.t.Cleanup(stop)
	return f, stop
}

// publish says something as soon as there is a connection.
func (s *site) publish(kind topics.Kind, device string, payload []byte) {
	s.t.Helper()
	m := client.Message{Topic: topics.DefaultRoot.Topic(kind, device), Payload: payload, QoS: 1, Retain: kind == topics.DeviceStatus}
	s.await("the broker to take a message", func() bool { return s.say.Publish(s.t.Context(), m) == nil })
}

func (s *site) status(device string, st topics.Status) {
	s.t.Helper()
	payload, err := st.Encode()
	if err != nil {
		s.t.Fatal(err)
	}
	s.publish(topics.DeviceStatus, device, payload)
}

// report has the store take a report as a bridge does.
func (s *site) report(device string, seq int64, configID int64) {
	s.t.Helper()
	err := s.store.Devices().Observe(s.t.Context(), []store.Sighting{{
		Head: store.DeviceHead{
			Device: device, DeviceGroup: "shops", Version: topics.Version{Epoch: epoch1, ConfigID: configID},
			Phase: topics.PhaseSettled, Reported: time.Now(),
		},
		Report: []byte(`{"phase": "settled"}`), Boot: "b", Seq: seq,
	}}, func(store.Device, store.Sighting) []store.Event { return nil })
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) await(what string, done func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// lists waits until the devices, each with its state and the config_id that it has applied, are those.
func (s *site) lists(f *Fleet, want ...string) {
	s.t.Helper()
	var got []string
	defer func() {
		if s.t.Failed() {
			s.t.Logf("listed are %v", got)
		}
	}()
	s.await(fmt.Sprint(want), func() bool {
		got = nil
		for _, d := range f.List(Query{}, "", 100, false).Devices {
			state := topics.Offline
			if d.Online {
				state = topics.Online
			}
			got = append(got, fmt.Sprint(d.Device, " ", state, " ", d.Applied.ConfigID))
		}
		return fmt.Sprint(got) == fmt.Sprint(want)
	})
}

// Devices are known after a restart of the manager, and after one of a broker that forgot everything: from the store, not connected, until
// they say otherwise.
func TestRestarts(t *testing.T) {
	s := newSite(t)
	s.report("stored", 1, 1)
	f, stop := s.manager("m1")
	s.lists(f, "stored offline 1")
	s.status("heard", status(topics.Online, 1, "shops", 2))
	s.status("stored", status(topics.Online, 1, "shops", 2))
	s.lists(f, "heard online 2", "stored online 2")
	stop()
	f, _ = s.manager("m2")
	s.lists(f, "heard online 2", "stored online 2")
	s.await("all to be known", func() bool { return f.Quiet() == 0 })

	s.broker.Stop()
	s.broker.Start()
	// What the store does not have is forgotten with the broker; the other has applied no less than it had.
	s.lists(f, "stored offline 2")
	s.status("heard", status(topics.Online, 2, "shops", 2))
	s.lists(f, "heard online 2", "stored offline 2")
	if n := f.Counts(); n != (fleet.Counts{Devices: 2, Online: 1, Offline: 1, Current: 1}) {
		t.Errorf("counts %+v", n)
	}
}

// A will that comes late does not end the session that came after it.
func TestLateWill(t *testing.T) {
	s := newSite(t)
	f, _ := s.manager("m1")
	s.status("d", status(topics.Online, 7, "shops", 2))
	s.lists(f, "d online 2")
	s.status("d", status(topics.Offline, 6, "shops", 1))
	s.status("last", status(topics.Online, 1, "shops", 1)) // what is heard after the will
	s.lists(f, "d online 2", "last online 1")
	s.status("d", status(topics.Offline, 7, "shops", 2))
	s.lists(f, "d offline 2", "last online 1")
	detail, err := f.Get(t.Context(), "d")
	if err != nil || detail.Since == nil || time.Since(*detail.Since) > time.Minute {
		t.Errorf("offline since %v: %v", detail.Since, err)
	}
}

// What another manager changes in the store is seen without a restart: rows, labels and deletions.
func TestSeveralManagers(t *testing.T) {
	s := newSite(t)
	one, _ := s.manager("m1")
	two, _ := s.manager("m2")
	s.lists(one)
	s.report("d", 1, 1)
	s.lists(two, "d offline 1")
	s.report("d", 2, 2)
	s.lists(one, "d offline 2")
	s.lists(two, "d offline 2")
	if _, _, err := one.Annotate(t.Context(), "d", func(a *fleet.Annotations) error {
		a.Labels["site"] = "berlin"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	labelled := Query{Labels: []LabelQuery{{Key: "site"}}}
	if got := one.List(labelled, "", 10, false).Devices; len(got) != 1 {
		t.Errorf("whoever labels a device does not see it: %+v", got)
	}
	s.await("the label", func() bool { return len(two.List(labelled, "", 10, false).Devices) == 1 })

	s.status("d", status(topics.Online, 1, "shops", 2))
	s.lists(one, "d online 2")
	s.lists(two, "d online 2")
	if _, err := one.Delete(t.Context(), "d"); err != nil {
		t.Fatal(err)
	}
	if got := one.List(Query{}, "", 10, false).Devices; len(got) != 0 {
		t.Errorf("after the deletion: %+v", got)
	}
	s.lists(two)
	three, _ := s.manager("m3")
	s.await("all to be known", func() bool { return three.Quiet() == 0 })
	s.lists(three)
}

// Nothing is deleted without the broker: the device would be back with its status.
func TestDeleteWithoutABroker(t *testing.T) {
	s := newSite(t)
	s.report("d", 1, 1)
	f, _ := s.manager("m1")
	s.lists(f, "d offline 1")
	s.broker.Stop()
	s.await("the connection to be lost", func() bool {
		_, err := f.Delete(t.Context(), "d")
		return err != nil
	})
	if _, err := s.store.Devices().Get(t.Context(), "d"); err != nil {
		t.Errorf("the row: %v", err)
	}
}
