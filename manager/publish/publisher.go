package publish

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"muster/broker/client"
	"muster/manager/store"
	"muster/topics"
)

// A Source gives the configs that devices should have. Package snapshot has the one that managers use.
type Source interface {
	// MakeAll makes a snapshot of each device_group whose content differs from its latest one, and notes
	// by as who asked for the change. An error that is nothing but [topics.FieldError]s and
	// [store.UnreadableError]s is about the groups that it names: they keep their last config, and the others
	// are made. Any other error is the store's.
	MakeAll(ctx context.Context, by string) ([]store.Head, error)
	// Groups names the device_groups that exist and have a snapshot, and Latest is the latest one of such a
	// group: from memory, as of the last MakeAll.
	Groups() []string
	Latest(group string) (store.Snapshot, bool)
}

// A History knows the configs of deleted device_groups too. It is a part of [store.Snapshots].
type History interface {
	// Latest reads the latest snapshot that a group ever had. It fails with [store.ErrNotFound].
	Latest(ctx context.Context, group string) (store.Snapshot, error)
}

// Options say how a [Publisher] is to be. Zero values stand for the defaults.
type Options struct {
	// Root is the installation's topic prefix; by default [topics.DefaultRoot].
	Root topics.Root
	// Manager is this manager's name, valid for [topics.CheckName], and Agent the name and version of the
	// program: the topic and a field of its presence. Manager has no default.
	Manager string
	Agent   string
	// Epoch is the store's own. It has no default.
	Epoch string
	// Interval is the time between two passes when nothing happens; by default 10 s.
	Interval time.Duration
	// Settle is how long after a connection the broker may take to send its retained messages. Until
	// then a topic of which nothing was heard is not written to, lest every config is published again and
	// a newer one overwritten. By default 0, which is right for the embedded broker: it starts
	// empty with its manager. For other brokers see [SettleRemote].
	Settle time.Duration
	// Timeout is how long the broker may take to acknowledge one config; by default 10 s.
	Timeout time.Duration
	// Log is by default slog.Default().
	Log *slog.Logger
}

// SettleRemote is the Settle for a broker that is reached over a network.
const SettleRemote = time.Second

func (o Options) withDefaults() Options {
	if o.Root == "" {
		o.Root = topics.DefaultRoot
	}
	if o.Interval <= 0 {
		o.Interval = 10 * time.Second
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// A Publisher keeps the config topics of one broker as the store wants them. It is made by [New] and
// works while [Publisher.Run] runs.
type Publisher struct {
	client  client.Client
	source  Source
	history History
	o       Options

	wake  chan struct{} // of one: something is due
	slots chan struct{} // bounds how many messages wait for the broker at a time
	sends sync.WaitGroup

	mu       sync.Mutex
	ctx      context.Context // of the work; nil before Run
	topics   map[string]*topic
	wants    map[string]wanted
	claims   map[string]claim
	fresh    bool  // wants is the whole truth as of the last pass
	passes   int64 // how many passes have begun
	up       int64 // how many connections there were
	settled  time.Time
	greeted  bool // the presence is on this connection's broker
	greeting bool
	swallows string // the group by which a broker was found not to give back what it takes
	due      time.Time
	last     time.Time // when the last pass ended
	poked    bool      // since the last pass began that could read the store
	pokers   []string
	counts   Counts
	refused  string // the configs that could not be made, as last logged
}

// maxSends is how many messages wait for the broker at a time. A group with many devices takes an embedded
// broker a while, and others need not wait for it.
const maxSends = 16

// New prepares a Publisher. c may be shared with others.
func New(c client.Client, source Source, history History, o Options) (*Publisher, error) {
	if err := topics.CheckName(o.Manager); err != nil {
		return nil, fmt.Errorf("manager name %.80q: %w", o.Manager, err)
	}
	if err := (topics.Version{Epoch: o.Epoch, ConfigID: 1}).Check(); err != nil {
		return nil, fmt.Errorf("the store's epoch: %w", err)
	}
	return &Publisher{
		client:  c,
		source:  source,
		history: history,
		o:       o.withDefaults(),
		wake:    make(chan struct{}, 1),
		slots:   make(chan struct{}, maxSends),
		topics:  make(map[string]*topic),
		claims:  make(map[string]claim),
	}, nil
}

// Run keeps the topics as they should be until ctx ends. Then it publishes what it was poked about before, waits
// for that and for what is under way, [farewell] at most, says that the manager is offline, and returns; the
// client stays open. It must be called once.
func (p *Publisher) Run(ctx context.Context) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(farewell, cancel) })()
	p.mu.Lock()
	p.ctx = work
	p.mu.Unlock()
	p.client.OnUp(p.connected)
	p.loop(ctx, work)
	p.lastPass(work)
	p.sends.Wait()
	p.goodbye()
}

// connected forgets what was seen: another connection may be to another broker, or to one that has lost
// everything. Then it subscribes, again if need be, to have all that is retained there sent once more:
// what came before this call cannot be told from what came over the connection before.
//
// The QoS is 0 because of what is retained: of that, Mosquitto sends a subscription with QoS 1 no more than
// about a thousand messages, and drops the others. An echo that is lost costs one more message.
func (p *Publisher) connected() {
	p.mu.Lock()
	p.up++
	up := p.up
	p.settled = time.Now().Add(p.o.Settle)
	p.greeted = false
	for _, t := range p.topics {
		t.forget()
	}
	p.wakeAt(time.Now())
	p.mu.Unlock()

	err := p.client.Subscribe(client.Subscription{
		Filter:  p.o.Root.Filter(topics.GroupConfig),
		Handler: func(m client.Message) { p.hear(m, up) },
	})
	if err != nil && !errors.Is(err, client.ErrClosed) {
		p.o.Log.Error("cannot subscribe to the configs on the broker", "error", err)
	}
}

// Poke has a pass run soon, because the one named by (empty when not known) changed a document. It
// never blocks.
func (p *Publisher) Poke(by string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.poked = true
	p.addPoker(by)
	p.wakeAt(time.Now())
}
