package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"muster/broker/client"
	"muster/manager/store"
	"muster/topics"
)

// A wire is a broker in memory for what a real one cannot be made to do: to refuse, to be silent, to
// keep nothing, to deliver late. With it, time is synctest's.
type wire struct {
	mu       sync.Mutex
	retained map[string]client.Message
	clients  []*wireClient
	// script is asked about every message that a client publishes; nil takes all.
	script func(client.Message) reaction
	// published counts the messages of each topic that clients published, taken or not.
	published map[string]int
	busy      int // how many calls of Publish are under way
}

// A reaction is what the wire does with a message.
type reaction struct {
	err    error
	lose   bool          // acknowledge it and forget it
	mute   bool          // keep it, but send it to nobody
	answer chan struct{} // acknowledge when this is closed
	after  time.Duration // acknowledge when that has passed, whatever the context says
}

func newWire() *wire {
	return &wire{retained: make(map[string]client.Message), published: make(map[string]int)}
}

// put is a message from elsewhere.
func (w *wire) put(m client.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deliver(m)
}

func (w *wire) deliver(m client.Message) {
	if m.Retain {
		if w.retained[m.Topic] = m; len(m.Payload) == 0 {
			delete(w.retained, m.Topic)
		}
	}
	for _, c := range w.clients {
		c.receive(m, false)
	}
}

// holds is what the wire keeps for a topic.
func (w *wire) holds(topic string) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.retained[topic].Payload
}

// count is how many messages to a topic were published.
func (w *wire) count(topic string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.published[topic]
}

// total is how many configs were published or cleared.
func (w *wire) total() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for topic, count := range w.published {
		if topics.Match(topics.DefaultRoot.Filter(topics.GroupConfig), topic) {
			n += count
		}
	}
	return n
}

func (w *wire) react(script func(client.Message) reaction) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.script = script
}

// reconnect drops all connections and makes new ones; what is kept is replayed, or lost.
func (w *wire) reconnect(lose bool) {
	w.mu.Lock()
	if lose {
		clear(w.retained)
	}
	clients := slices.Clone(w.clients)
	w.mu.Unlock()
	for _, c := range clients {
		c.connect()
	}
}

// A wireClient is one client of a wire. It delivers from a goroutine of its own.
type wireClient struct {
	wire  *wire
	mu    sync.Mutex
	subs  []client.Subscription
	ups   []func()
	down  bool
	queue chan func()
	done  chan struct{}
}

func (w *wire) client(t *testing.T) *wireClient {
	c := &wireClient{wire: w, queue: make(chan func(), 10_000), done: make(chan struct{})}
	w.mu.Lock()
	w.clients = append(w.clients, c)
	w.mu.Unlock()
	go func() {
		defer close(c.done)
		for call := range c.queue {
			call()
		}
	}()
	t.Cleanup(func() {
		w.mu.Lock()
		w.clients = slices.DeleteFunc(w.clients, func(other *wireClient) bool { return other == c })
		w.mu.Unlock()
		close(c.queue)
		<-c.done
	})
	return c
}

func (c *wireClient) receive(m client.Message, kept bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.subs {
		if topics.Match(s.Filter, m.Topic) {
			m.Retain = kept
			c.queue <- func() { s.Handler(m) }
		}
	}
}

func (c *wireClient) Subscribe(s client.Subscription) error {
	c.mu.Lock()
	c.subs = slices.DeleteFunc(c.subs, func(old client.Subscription) bool { return old.Filter == s.Filter })
	c.subs = append(c.subs, s)
	c.mu.Unlock()
	c.replay(s)
	return nil
}

func (c *wireClient) replay(s client.Subscription) {
	c.wire.mu.Lock()
	defer c.wire.mu.Unlock()
	for _, topic := range slices.Sorted(maps.Keys(c.wire.retained)) {
		if topics.Match(s.Filter, topic) {
			m := c.wire.retained[topic] // with Retain set
			c.queue <- func() { s.Handler(m) }
		}
	}
}

func (c *wireClient) connect() {
	c.mu.Lock()
	c.down = false
	subs, ups := slices.Clone(c.subs), slices.Clone(c.ups)
	c.mu.Unlock()
	for _, s := range subs {
		c.replay(s)
	}
	for _, up := range ups {
		c.queue <- up
	}
}

func (c *wireClient) OnUp(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ups = append(c.ups, f)
	c.queue <- f
}

func (c *wireClient) Publish(ctx context.Context, m client.Message) error {
	c.mu.Lock()
	down := c.down
	c.mu.Unlock()
	if down {
		return client.ErrNotConnected
	}
	c.wire.mu.Lock()
	c.wire.published[m.Topic]++
	var r reaction
	if c.wire.script != nil {
		r = c.wire.script(m)
	}
	switch {
	case r.err != nil || r.lose:
	case r.mute:
		c.wire.retained[m.Topic] = m
	default:
		c.wire.deliver(m)
	}
	c.wire.busy++
	c.wire.mu.Unlock()
	defer func() {
		c.wire.mu.Lock()
		defer c.wire.mu.Unlock()
		c.wire.busy--
	}()
	time.Sleep(r.after) // synctest's time
	if r.answer != nil {
		select {
		case <-r.answer:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return r.err
}

func (c *wireClient) Close() error { return nil }

// A shelf is a Source in memory.
type shelf struct {
	mu     sync.Mutex
	epoch  string
	latest map[string]store.Snapshot
	exists map[string]bool
	makes  int
	large  []string // groups whose config MakeAll refuses
	broken []string // apps that it cannot read
	by     []string
	err    error
	next   map[string]int64 // what MakeAll will find
	// meanwhile is called once, in the next MakeAll, when that has read everything.
	meanwhile func()
	lost      error // of the history
}

func newShelf(epoch string) *shelf {
	return &shelf{
		epoch: epoch, latest: make(map[string]store.Snapshot), exists: make(map[string]bool), next: make(map[string]int64),
	}
}

func (s *shelf) MakeAll(_ context.Context, by string) ([]store.Head, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.makes++
	s.by = append(s.by, by)
	if s.err != nil {
		return nil, s.err
	}
	defer func() {
		if s.meanwhile != nil {
			s.meanwhile()
			s.meanwhile = nil
		}
	}()
	var (
		made []store.Head
		errs []error
	)
	for _, group := range s.large {
		errs = append(errs, fmt.Errorf("config of %q: %w", group, &topics.FieldError{Field: "config", Reason: "is too large"}))
	}
	for _, app := range s.broken {
		why := &store.UnreadableError{Kind: "app", Docs: map[string]error{app: errors.New("is broken")}}
		errs = append(errs, fmt.Errorf("config of %q: %w", "group-of-"+app, why))
	}
	for group, id := range s.next {
		snapshot := snapshotOf(s.epoch, group, id, "")
		s.latest[group], s.exists[group] = snapshot, true
		made = append(made, snapshot.Head)
	}
	clear(s.next)
	return made, errors.Join(errs...)
}

// set has the next MakeAll find that config.
func (s *shelf) set(group string, id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next[group] = id
}

func (s *shelf) remove(group string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.exists, group)
}

func (s *shelf) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *shelf) made() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.makes
}

func (s *shelf) Groups() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.exists))
}

func (s *shelf) Latest(group string) (store.Snapshot, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.latest[group], s.exists[group]
}

// A past is the History that goes with a shelf.
type past struct{ *shelf }

func (p past) Latest(_ context.Context, group string) (store.Snapshot, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := errors.Join(p.err, p.lost); err != nil {
		return store.Snapshot{}, err
	}
	if s, ok := p.latest[group]; ok {
		return s, nil
	}
	return store.Snapshot{}, store.ErrNotFound
}

// snapshotOf makes a snapshot; its content depends on the id and the variant.
func snapshotOf(epoch, group string, id int64, variant string) store.Snapshot {
	v := topics.Version{Epoch: epoch, ConfigID: id}
	content := topics.Content{
		DeviceGroup: group, DeviceGroupID: 1, PruneID: 1,
		Apps: []topics.App{topics.NewApp("app"+variant, fmt.Sprintf("image:%d", id))},
	}
	payload, err := topics.EncodeConfig(v, issued, content)
	if err != nil {
		panic(err)
	}
	digest, err := topics.ContentDigest(content)
	if err != nil {
		panic(err)
	}
	return store.Snapshot{Head: store.Head{DeviceGroup: group, Version: v, SHA256: digest}, Payload: payload}
}

// A journal collects what is logged.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(b)
}

func (j *journal) count(s string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return bytes.Count(j.buf.Bytes(), []byte(s))
}

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }
