package link_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster/broker/client"
	"muster/test/logs"
	"muster/topics"
	"muster/worker"
	"muster/worker/link"
)

const epoch = "01ARZ3NDEKTSV4RRFFQ69G5FAV"

// A fakeClient is a connection whose state and answers the test says, for tests of time.
type fakeClient struct {
	will func() *client.Message

	mu        sync.Mutex
	connected bool
	published []published
	handlers  map[string]client.Handler
	onUp      func()
	lastWill  *client.Message
	closed    bool
	// fail is what Publish returns for a topic, answer what is delivered after a check-in.
	fail   map[string]error
	answer func(topics.CheckinRequest) []byte
}

type published struct {
	client.Message
	at time.Time
}

func (f *fakeClient) Publish(ctx context.Context, m client.Message) error {
	f.mu.Lock()
	if !f.connected {
		f.mu.Unlock()
		return client.ErrNotConnected
	}
	f.published = append(f.published, published{Message: m, at: time.Now()})
	err := f.fail[m.Topic]
	answer := f.answer
	f.mu.Unlock()
	if errors.Is(err, context.DeadlineExceeded) { // no acknowledgement comes
		<-ctx.Done()
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	if answer != nil && m.Topic == topicOf(topics.DeviceCheckin, "d") {
		if r, err := topics.ParseCheckinRequest(m.Payload); err == nil {
			if payload := answer(r); payload != nil {
				f.deliver(topicOf(topics.DeviceReply, "d"), payload)
			}
		}
	}
	return ctx.Err()
}

func (f *fakeClient) Subscribe(s client.Subscription) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.handlers[s.Filter] = s.Handler
	return nil
}

func (f *fakeClient) OnUp(up func()) {
	f.mu.Lock()
	f.onUp = up
	connected := f.connected
	f.mu.Unlock()
	if connected {
		up()
	}
}

func (f *fakeClient) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return nil
}

// deliver has a message arrive.
func (f *fakeClient) deliver(topic string, payload []byte) {
	f.mu.Lock()
	handler := f.handlers[topic]
	f.mu.Unlock()
	handler(client.Message{Topic: topic, Payload: payload})
}

// connect makes a connection, which brings these retained configs.
func (f *fakeClient) connect(retained ...[]byte) {
	will := f.will()
	f.mu.Lock()
	f.connected, f.lastWill = true, will
	up := f.onUp
	f.mu.Unlock()
	for _, payload := range retained {
		f.deliver(topicOf(topics.GroupConfig, "g"), payload)
	}
	up()
}

func (f *fakeClient) disconnect() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.connected = false
}

// sent lists what was published to a topic.
func (f *fakeClient) sent(topic string) []published {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []published
	for _, p := range f.published {
		if p.Topic == topic {
			list = append(list, p)
		}
	}
	return list
}

func (f *fakeClient) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// A bench is a link of device d in device_group g on a fake connection, in a bubble.
type bench struct {
	t      *testing.T
	link   *link.Link
	client *fakeClient
	log    *logs.Buffer
	began  time.Time
	stop   context.CancelFunc
	done   chan error
}

// inBubble runs a test with a link that checks in every minute. It is not connected yet.
func inBubble(t *testing.T, test func(t *testing.T, b *bench)) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, t.TempDir())
		test(t, b)
		b.end()
	})
}

// start runs the link, with the options that change sets.
func start(t *testing.T, dir string, change ...func(*link.Options)) *bench {
	t.Helper()
	b := &bench{t: t, log: &logs.Buffer{}, done: make(chan error, 1), began: time.Now(), client: &fakeClient{
		handlers: map[string]client.Handler{}, fail: map[string]error{},
		answer: func(r topics.CheckinRequest) []byte { return unchanged(t, r, 0) },
	}}
	o := link.Options{
		Group: "g", Device: "d", Agent: "muster-worker/test", StateDir: dir, Interval: time.Minute,
		Dial: func(will func() *client.Message) (client.Client, error) {
			b.client.will = will
			return b.client, nil
		},
		Log: slog.New(slog.NewTextHandler(b.log, nil)),
	}
	for _, c := range change {
		c(&o)
	}
	var err error
	if b.link, err = link.New(o); err != nil {
		t.Fatalf("New: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	b.stop = cancel
	go func() { b.done <- b.link.Run(ctx) }()
	synctest.Wait()
	return b
}

func (b *bench) end() {
	b.t.Helper()
	b.stop()
	if err := <-b.done; err != nil {
		b.t.Errorf("Run: %v", err)
	}
}

func (b *bench) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// checkins lists the requests that were sent.
func (b *bench) checkins() (requests []topics.CheckinRequest, at []time.Time) {
	b.t.Helper()
	for _, p := range b.client.sent(topicOf(topics.DeviceCheckin, "d")) {
		r, err := topics.ParseCheckinRequest(p.Payload)
		if err != nil {
			b.t.Fatalf("check-in %s: %v", p.Payload, err)
		}
		requests, at = append(requests, r), append(at, p.at)
	}
	return requests, at
}

// statuses lists those that were published.
func (b *bench) statuses() (list []topics.Status) {
	b.t.Helper()
	for _, p := range b.client.sent(topicOf(topics.DeviceStatus, "d")) {
		s, err := topics.ParseStatus(p.Payload)
		if err != nil {
			b.t.Fatalf("status %s: %v", p.Payload, err)
		}
		list = append(list, s)
	}
	return list
}

// offered is the config that waits for the worker, zero for none.
func (b *bench) offered() worker.Offered {
	select {
	case o := <-b.link.Configs():
		return o
	default:
		return worker.Offered{}
	}
}

func (b *bench) logged(words string) (n int) {
	for line := range strings.Lines(b.log.String()) {
		if strings.Contains(line, words) {
			n++
		}
	}
	return n
}

func topicOf(kind topics.Kind, name string) string { return topics.DefaultRoot.Topic(kind, name) }

func version(id int64) topics.Version { return topics.Version{Epoch: epoch, ConfigID: id} }

// config is the payload of a config of the group.
func config(t testing.TB, group string, id int64, apps ...topics.App) []byte {
	t.Helper()
	payload, err := topics.EncodeConfig(version(id), time.Unix(1e9, 0), topics.Content{DeviceGroup: group, DeviceGroupID: 1, Apps: apps})
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

func encode(t testing.TB, r topics.CheckinReply) []byte {
	t.Helper()
	payload, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

func unchanged(t testing.TB, r topics.CheckinRequest, nextIn int64) []byte {
	return encode(t, topics.CheckinReply{RequestID: r.RequestID, Version: version(1), Unchanged: true, NextIn: nextIn})
}

func sessionPath(dir string) string { return filepath.Join(dir, "session") }
