package publish_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster/broker"
	"muster/broker/client"
	"muster/broker/client/network"
	"muster/broker/client/network/networktest"
	"muster/manager/publish"
	"muster/manager/snapshot"
	"muster/manager/store"
	"muster/manager/store/sqlite"
	"muster/test/rig"
	"muster/topics"
)

// patience is how long a test waits for what must happen; it is far above what any of it takes.
const patience = 30 * time.Second

// A bus is a broker with a manager's client on it, and a way in for others.
type bus struct {
	manager client.Client
	settle  time.Duration
	url     string
}

// onBrokers runs a test on the embedded broker, in process, and on Mosquitto, over the network.
func onBrokers(t *testing.T, test func(t *testing.T, b bus)) {
	t.Run("embedded", func(t *testing.T) { test(t, embedded(t)) })
	t.Run("mosquitto", func(t *testing.T) {
		url := rig.Mosquitto(t, rig.MosquittoOptions{}).URL()
		test(t, bus{manager: dial(t, url, "manager"), settle: 100 * time.Millisecond, url: url})
	})
}

// embedded starts a broker in this process. Whoever comes over the network is a manager.
func embedded(t testing.TB) bus {
	t.Helper()
	server, err := broker.Listen(broker.Options{
		Root: topics.DefaultRoot, TCPAddr: "127.0.0.1:0",
		Authenticate: func(broker.Login) (topics.Subject, error) { return topics.Subject{Role: topics.RoleManager}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	manager := server.Client("manager")
	t.Cleanup(func() {
		_ = manager.Close()
		_ = server.Close()
	})
	return bus{manager: manager, url: "mqtt://" + server.TCPAddr().String()}
}

func dial(t *testing.T, url, id string) client.Client {
	t.Helper()
	return networktest.Dial(t, network.Options{URL: url, ClientID: id})
}

// A deck is a store in a file, and a manager's snapshots of it.
type deck struct {
	*testing.T
	path string
	st   *sqlite.Store
	*snapshot.Maker
	passes atomic.Int64
}

// MakeAll counts the passes.
func (d *deck) MakeAll(ctx context.Context, by string) ([]store.Head, error) {
	defer d.passes.Add(1)
	return d.Maker.MakeAll(ctx, by)
}

func openDeck(t *testing.T, path string) *deck {
	t.Helper()
	st, err := sqlite.Open(t.Context(), sqlite.Options{Path: path, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return &deck{T: t, path: path, st: st, Maker: snapshot.New(st, time.Now, slog.New(slog.DiscardHandler))}
}

func newDeck(t *testing.T) *deck {
	t.Helper()
	return openDeck(t, filepath.Join(t.TempDir(), "muster.db"))
}

// create adds a device_group with one app of its own.
func (d *deck) create(group string) {
	d.Helper()
	err := d.st.Apps().Create(d.Context(), topics.NewApp("app-of-"+group, "image:0"))
	if err != nil && !errors.Is(err, store.ErrExists) {
		d.Fatal(err)
	}
	doc := store.DeviceGroup{DeviceGroup: group, DeviceGroupID: 1, PruneID: 1, Apps: []string{"app-of-" + group}}
	if err := d.st.DeviceGroups().Create(d.Context(), doc); err != nil {
		d.Fatal(err)
	}
}

func (d *deck) remove(group string) {
	d.Helper()
	if err := d.st.DeviceGroups().Delete(d.Context(), group); err != nil {
		d.Fatal(err)
	}
}

// change gives the group's app another image.
func (d *deck) change(group string) {
	d.Helper()
	_, err := d.st.Apps().Modify(d.Context(), "app-of-"+group, func(a *topics.App) error {
		a.AppID++
		a.DockerImage = fmt.Sprintf("image:%d", a.AppID)
		return nil
	})
	if err != nil {
		d.Error(err)
	}
}

// latest is the payload of the latest config in the store.
func (d *deck) latest(group string) string {
	d.Helper()
	s, err := d.st.Snapshots().Latest(d.Context(), group)
	if err != nil {
		d.Fatal(err)
	}
	return string(s.Payload)
}

// run starts a publisher for the deck. Its passes are so frequent that a test can wait for some.
func (d *deck) run(b bus, name string, o publish.Options) (p *publish.Publisher, stop func()) {
	d.Helper()
	o.Manager, o.Epoch, o.Settle = name, d.st.Epoch(), b.settle
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(d.Output(), nil))
	}
	if o.Interval == 0 {
		o.Interval = 100 * time.Millisecond
	}
	p, err := publish.New(b.manager, d, d.st.Snapshots(), o)
	if err != nil {
		d.Fatal(err)
	}
	ctx, cancel := context.WithCancel(d.Context())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	stop = func() {
		cancel()
		running.Wait()
	}
	d.Cleanup(stop)
	return p, stop
}

// awaitPasses waits for that many more passes.
func (d *deck) awaitPasses(n int64) {
	d.Helper()
	enough := d.passes.Load() + n
	await(d.T, "passes", func() bool { return d.passes.Load() >= enough })
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// A viewer hears what the config topics hold.
type viewer struct {
	*testing.T
	mu   sync.Mutex
	held map[string]string
	all  []string // every payload, in order
}

// viewers counts them: of two with one client id, a broker drops the first.
var viewers atomic.Int64

func view(t *testing.T, url string) *viewer {
	t.Helper()
	v := &viewer{T: t, held: make(map[string]string)}
	c := dial(t, url, fmt.Sprintf("viewer-%d", viewers.Add(1)))
	err := c.Subscribe(client.Subscription{
		Filter: topics.DefaultRoot.Filter(topics.GroupConfig), QoS: 1, Handler: func(m client.Message) {
			v.mu.Lock()
			defer v.mu.Unlock()
			topic, err := topics.DefaultRoot.Parse(m.Topic)
			if err != nil {
				t.Error(err)
			}
			v.held[topic.Name] = string(m.Payload)
			v.all = append(v.all, string(m.Payload))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	up := make(chan struct{}, 100)
	c.OnUp(func() { up <- struct{}{} })
	<-up
	return v
}

func (v *viewer) await(group, payload string) {
	v.Helper()
	await(v.T, fmt.Sprintf("the config of %q", group), func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		return v.held[group] == payload
	})
}

func (v *viewer) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.all)
}

func (v *viewer) ids(epoch string) []int64 {
	v.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	var ids []int64
	for _, payload := range v.all {
		c, err := topics.ParseConfig([]byte(payload))
		if err != nil || c.Epoch != epoch {
			v.Errorf("heard %.80q: %v", payload, err)
		}
		ids = append(ids, c.ConfigID)
	}
	return ids
}

// say publishes a retained message as another manager would.
func say(t *testing.T, c client.Client, group, payload string) {
	t.Helper()
	await(t, "a connection", func() bool {
		err := c.Publish(t.Context(), client.Message{
			Topic: topics.DefaultRoot.Topic(topics.GroupConfig, group), Payload: []byte(payload), QoS: 1, Retain: true,
		})
		if err != nil && !errors.Is(err, client.ErrNotConnected) {
			t.Fatal(err)
		}
		return err == nil
	})
}

// eventually is the payload of the group's config with that id, when it is made.
func (d *deck) eventually(group string, id int64) (payload string) {
	d.Helper()
	await(d.T, fmt.Sprintf("config %d of %q", id, group), func() bool {
		s, err := d.st.Snapshots().Get(d.Context(), group, id)
		payload = string(s.Payload)
		return err == nil
	})
	return payload
}
