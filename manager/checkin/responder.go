package checkin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"muster/broker/client"
	"muster/manager/store"
	"muster/topics"
)

// Configs gives the configs to answer with. Package snapshot has the one that managers use.
type Configs interface {
	// Latest is the latest config of a group, from memory.
	Latest(group string) (store.Snapshot, bool)
	// Current is the same from the store, for a group that is not in memory.
	Current(ctx context.Context, group string) (store.Snapshot, error)
}

// Behind hears of devices that have a newer config than the store.
type Behind interface {
	// MarkBehind must not block.
	MarkBehind(group string, have topics.Version)
}

// Options say how a [Responder] is to be. Zero values stand for the defaults.
type Options struct {
	// Root is the installation's topic prefix; by default [topics.DefaultRoot].
	Root topics.Root
	// Share, when not empty, shares the check-ins with the other managers on the broker that use the same
	// one. Where the broker cannot do that, every manager answers.
	Share string
	// QoS is that of the replies: 0, or 1 where a reply that is lost on its way to the broker would cost.
	QoS byte
	// Interval is the usual time between two check-ins of a device; by default 30 s. A reply that was not
	// delivered by then is of no use, and a busy manager asks for a multiple of it.
	Interval time.Duration
	// Queue is how many check-ins may wait for their answer; by default 8192. Others are dropped, and
	// counted.
	Queue int
	// Heard, unless nil, is told the device of each check-in that is not dropped. It must not block.
	Heard func(device string)
	// Log is by default slog.Default().
	Log *slog.Logger
}

const (
	// workers answer at a time. With QoS 1 each waits for an acknowledgement over a network, and it takes
	// remoteWorkers to answer 3,000 a second at a round trip of 20 ms.
	workers, remoteWorkers = 8, 64
	// lookups is how many workers may wait for the store at a time: a store that hangs must not keep the
	// manager from answering what it has in memory.
	lookups = 4
	// patience is how long the store may take to give a config, and the broker to take a reply. The
	// device repeats its request after that.
	patience = 5 * time.Second
	// tellEvery is how often check-ins that were not answered are logged at most.
	tellEvery = time.Minute
)

func (o Options) withDefaults() Options {
	if o.Root == "" {
		o.Root = topics.DefaultRoot
	}
	if o.Interval <= 0 {
		o.Interval = 30 * time.Second
	}
	if o.Queue <= 0 {
		o.Queue = 8192
	}
	if o.Heard == nil {
		o.Heard = func(string) {}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// errBusy says that too many requests wait for the store.
var errBusy = errors.New("too many requests wait for the store")

// A Responder answers check-ins while its Run runs.
type Responder struct {
	client  client.Client
	configs Configs
	behind  Behind
	o       Options

	queue   chan client.Message
	lookups chan struct{}
	tally   [outcomes]atomic.Int64
	failed  atomic.Int64
	failure atomic.Value // the last error, as a string
}

// New prepares a Responder. c may be shared with others.
func New(c client.Client, configs Configs, behind Behind, o Options) *Responder {
	o = o.withDefaults()
	return &Responder{
		client: c, configs: configs, behind: behind, o: o,
		queue: make(chan client.Message, o.Queue), lookups: make(chan struct{}, lookups),
	}
}

// Run answers until ctx ends. It must be called once. It fails only when the client cannot subscribe any more.
func (r *Responder) Run(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	n := workers
	if r.o.QoS > 0 {
		n = remoteWorkers
	}
	for range n {
		running.Go(func() { r.work(ctx) })
	}
	running.Go(func() { r.tellUnanswered(ctx) })
	err := r.client.Subscribe(client.Subscription{
		Filter: r.o.Root.Filter(topics.DeviceCheckin), QoS: 1, Share: r.o.Share, Handler: r.take,
	})
	if err != nil {
		return fmt.Errorf("subscribe to check-ins: %w", err)
	}
	<-ctx.Done()
	return nil
}

// take queues a check-in. A retained one is no question of now.
func (r *Responder) take(m client.Message) {
	if m.Retain {
		return
	}
	select {
	case r.queue <- m:
	default:
		r.tally[Dropped].Add(1)
	}
}

func (r *Responder) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-r.queue:
			r.answer(ctx, m)
		}
	}
}

// answer replies to a check-in on the reply topic of the device that the topic names, whoever the payload or
// the Response Topic may speak of.
func (r *Responder) answer(ctx context.Context, m client.Message) {
	from, err := r.o.Root.Parse(m.Topic)
	if err != nil || from.Kind != topics.DeviceCheckin {
		return
	}
	r.o.Heard(from.Name)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	reply := r.decide(ctx, m.Payload)
	payload, err := reply.Encode()
	if err != nil {
		r.o.Log.Error("reply to a check-in cannot be encoded", "device", from.Name, "error", err)
		return
	}
	err = r.client.Publish(ctx, client.Message{
		Topic: r.o.Root.Topic(topics.DeviceReply, from.Name), Payload: payload, QoS: r.o.QoS, Expiry: r.o.Interval,
		ContentType: "application/json", CorrelationData: m.CorrelationData,
	})
	if err != nil && !errors.Is(err, client.ErrNotConnected) && !errors.Is(err, client.ErrClosed) {
		r.failed.Add(1)
		r.failure.Store(err.Error())
	}
}

func (r *Responder) decide(ctx context.Context, payload []byte) topics.CheckinReply {
	request, err := topics.ParseCheckinRequest(payload)
	if err != nil {
		r.tally[Refused].Add(1)
		return Refuse(request.RequestID, err)
	}
	latest, known := r.configs.Latest(request.DeviceGroup)
	if !known {
		latest, err = r.lookUp(ctx, request.DeviceGroup)
	}
	reply := Answer(request, latest, err)
	r.tally[outcomeOf(reply, err)].Add(1)
	if reply.StoreBehind {
		r.behind.MarkBehind(request.DeviceGroup, request.Have)
	}
	reply.NextIn = nextIn(len(r.queue), cap(r.queue), r.o.Interval, rand.Float64())
	return reply
}

// lookUp asks the store, unless enough others do already.
func (r *Responder) lookUp(ctx context.Context, group string) (store.Snapshot, error) {
	select {
	case r.lookups <- struct{}{}:
		defer func() { <-r.lookups }()
		return r.configs.Current(ctx, group)
	default:
		return store.Snapshot{}, errBusy
	}
}

// nextIn is the time in seconds for which a busy manager asks devices to stay away: nothing while less than
// half of the queue is in use, then two intervals, and four when it is nearly full. A spread between 0 and 1
// adds up to half of that: those who were sent away together must not come back together.
func nextIn(waiting, room int, interval time.Duration, spread float64) int64 {
	away := 2 * interval.Seconds()
	switch {
	case waiting*8 >= room*7:
		away *= 2
	case waiting*2 < room:
		return 0
	}
	return int64(math.Ceil(away * (1 + spread/2)))
}

// tellUnanswered logs how many check-ins got no reply.
func (r *Responder) tellUnanswered(ctx context.Context) {
	ticker := time.NewTicker(tellEvery)
	defer ticker.Stop()
	for dropped, failed := int64(0), int64(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if n := r.tally[Dropped].Load(); n > dropped {
			r.o.Log.Warn("check-ins dropped: more came than could be answered; devices repeat them", "dropped", n-dropped)
			dropped = n
		}
		if n := r.failed.Load(); n > failed {
			r.o.Log.Warn("replies to check-ins could not be published; devices repeat them", "failed", n-failed, "last_error", r.failure.Load())
			failed = n
		}
	}
}
