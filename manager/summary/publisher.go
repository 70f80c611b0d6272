package summary

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"sync"
	"time"

	"muster/broker/client"
	"muster/topics"
)

// Groups says which device_groups exist. Package snapshot has the one that managers use.
type Groups interface {
	Groups() []string
}

// Fleet counts devices, as a [devices.Fleet] does.
type Fleet interface {
	Groups
	// Summary counts the devices of a group; behind says that they have a newer config than the store.
	Summary(group string, behind bool) topics.Summary
	// SummaryOfAll counts all devices; behind is of how many groups the devices have a newer config than the store.
	SummaryOfAll(behind int) topics.Summary
	// Quiet is how long to wait until the counts are complete.
	Quiet() time.Duration
}

// Options say how a [Publisher] is to be. Zero values stand for the defaults.
type Options struct {
	// Root is the installation's topic prefix; by default [topics.DefaultRoot].
	Root topics.Root
	// Interval is the least time between two summaries of a group; by default 10 s.
	Interval time.Duration
	// Behind names the groups whose devices have a newer config than the store; by default there are none.
	Behind func() []string
	// Log is by default slog.Default().
	Log *slog.Logger
}

// patience is how long the broker may take to take one summary.
const patience = 5 * time.Second

// A Publisher publishes summaries while its Run runs.
type Publisher struct {
	client client.Client
	groups Groups
	fleet  Fleet
	o      Options

	mu sync.Mutex
	// up counts the connections. All below is what was heard over the last one.
	up int64
	// quiet is until when nothing is published: what the broker retains is still on its way.
	quiet time.Time
	// seen is what the summary topics hold, by group; "" is the fleet's. A topic that holds something
	// unreadable has an entry that no summary equals.
	seen map[string]topics.Summary
}

// New prepares a Publisher. c may be shared with others.
func New(c client.Client, groups Groups, fleet Fleet, o Options) *Publisher {
	if o.Root == "" {
		o.Root = topics.DefaultRoot
	}
	if o.Interval <= 0 {
		o.Interval = 10 * time.Second
	}
	if o.Behind == nil {
		o.Behind = func() []string { return nil }
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Publisher{client: c, groups: groups, fleet: fleet, o: o, seen: make(map[string]topics.Summary)}
}

// Run publishes until ctx ends. It must be called once.
func (p *Publisher) Run(ctx context.Context) {
	p.client.OnUp(p.connected)
	timer := time.NewTimer(p.o.Interval)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		wait := p.o.Interval + rand.N(p.o.Interval/10+1) // several managers part
		if early := p.untilHeard(); early > 0 {
			wait = early
		} else {
			p.publish(ctx)
		}
		timer.Reset(wait)
	}
}

// connected forgets what the topics hold, since the broker may be another one, or have lost what it had. Then it subscribes, again
// if need be, to have all that is retained sent once more: what came before this call cannot be told from what came over the
// connection before.
//
// The QoS is 0 because of what is retained: of that, Mosquitto sends a subscription with QoS 1 no more than
// about a thousand messages, and drops the others.
func (p *Publisher) connected() {
	p.mu.Lock()
	p.up++
	up := p.up
	p.quiet = time.Now().Add(p.o.Interval)
	clear(p.seen)
	p.mu.Unlock()

	for filter, take := range map[string]client.Handler{
		p.o.Root.Filter(topics.GroupSummary): p.takeSummary,
		p.o.Root.Filter(topics.FleetSummary): p.takeSummary,
	} {
		err := p.client.Subscribe(client.Subscription{Filter: filter, Handler: func(m client.Message) {
			p.mu.Lock()
			defer p.mu.Unlock()
			if up == p.up {
				take(m)
			}
		}})
		if err != nil && !errors.Is(err, client.ErrClosed) {
			p.o.Log.Error("cannot subscribe to what is summed up", "filter", filter, "error", err)
		}
	}
}

// untilHeard is how long to wait until everything that the broker retains was heard, and the counts are complete.
func (p *Publisher) untilHeard() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(time.Until(p.quiet), p.fleet.Quiet())
}

// takeSummary notes what a summary topic holds. It is called with mu held.
func (p *Publisher) takeSummary(m client.Message) {
	topic, err := p.o.Root.Parse(m.Topic)
	if err != nil {
		return
	}
	if len(m.Payload) == 0 {
		delete(p.seen, topic.Name)
		return
	}
	s, err := topics.ParseSummary(m.Payload)
	if err != nil {
		s = topics.Summary{DeviceGroup: "unreadable", Devices: -1}
	}
	s.At = time.Time{}
	p.seen[topic.Name] = s
}

// publish makes the topics hold what the counts are, where they do not. It gives up when the broker cannot
// be reached or does not answer; the next pass compares again.
func (p *Publisher) publish(ctx context.Context) {
	for _, m := range p.due() {
		err := p.send(ctx, m)
		if ctx.Err() != nil || errors.Is(err, client.ErrNotConnected) || errors.Is(err, client.ErrClosed) {
			return
		}
		if err != nil {
			p.o.Log.Warn("summary not published", "topic", m.Topic, "error", err)
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return
		}
	}
}

func (p *Publisher) send(ctx context.Context, m client.Message) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return p.client.Publish(ctx, m)
}

// due are the messages that are missing. A group has a summary while it exists or has devices.
func (p *Publisher) due() []client.Message {
	behind := make(map[string]bool)
	for _, group := range p.o.Behind() {
		behind[group] = true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	groups := make(map[string]bool)
	for _, group := range p.groups.Groups() {
		groups[group] = true
	}
	for _, group := range p.fleet.Groups() {
		groups[group] = true
	}
	var due []client.Message
	for group := range groups {
		due = p.compare(due, group, p.fleet.Summary(group, behind[group]))
	}
	due = p.compare(due, "", p.fleet.SummaryOfAll(len(behind)))
	for group := range p.seen {
		if group != "" && !groups[group] {
			due = append(due, p.message(group, nil))
		}
	}
	return due
}

// compare appends the summary's message to due unless its topic holds the same already.
func (p *Publisher) compare(due []client.Message, group string, s topics.Summary) []client.Message {
	if seen, ok := p.seen[group]; ok && reflect.DeepEqual(seen, s) {
		return due
	}
	s.At = time.Now()
	payload, err := s.Encode()
	if err != nil {
		p.o.Log.Error("summary cannot be encoded", "device_group", group, "error", err)
		return due
	}
	return append(due, p.message(group, payload))
}

func (p *Publisher) message(group string, payload []byte) client.Message {
	topic := p.o.Root.Filter(topics.FleetSummary)
	if group != "" {
		topic = p.o.Root.Topic(topics.GroupSummary, group)
	}
	return client.Message{Topic: topic, Payload: payload, Retain: true, ContentType: "application/json"}
}
