package checkin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	// Log is by default slog.Default().
	Log *slog.Logger
}

const (
	// workers answer at a time, so that one that waits for the store or the broker holds up no other.
	workers = 8
	// patience is how long the store may take to give a config, and the broker to take a reply. The
	// device repeats its request after that.
	patience = 5 * time.Second
	// dropsEvery is how often drops are logged at most.
	dropsEvery = time.Minute
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
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// A Responder answers check-ins while its Run runs.
type Responder struct {
	client  client.Client
	configs Configs
	behind  Behind
	o       Options

	queue   chan client.Message
	dropped atomic.Int64
}

// New prepares a Responder. c may be shared with others.
func New(c client.Client, configs Configs, behind Behind, o Options) *Responder {
	o = o.withDefaults()
	return &Responder{client: c, configs: configs, behind: behind, o: o, queue: make(chan client.Message, o.Queue)}
}

// Dropped is how many check-ins were dropped because too many were waiting.
func (r *Responder) Dropped() int64 { return r.dropped.Load() }

// Run answers until ctx ends. It must be called once. It fails only when the client cannot subscribe any more.
func (r *Responder) Run(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	for range workers {
		running.Go(func() { r.work(ctx) })
	}
	running.Go(func() { r.tellDrops(ctx) })
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
		r.dropped.Add(1)
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
	if err != nil && !errors.Is(err, client.ErrNotConnected) && !errors.Is(err, client.ErrClosed) && ctx.Err() == nil {
		r.o.Log.Warn("check-in not answered", "device", from.Name, "error", err)
	}
}

func (r *Responder) decide(ctx context.Context, payload []byte) topics.CheckinReply {
	request, err := topics.ParseCheckinRequest(payload)
	if err != nil {
		return Refuse(request.RequestID, err)
	}
	latest, known := r.configs.Latest(request.DeviceGroup)
	if !known {
		latest, err = r.configs.Current(ctx, request.DeviceGroup)
	}
	reply := Answer(request, latest, err)
	if reply.StoreBehind {
		r.behind.MarkBehind(request.DeviceGroup, request.Have)
	}
	reply.NextIn = nextIn(len(r.queue), cap(r.queue), r.o.Interval)
	return reply
}

// nextIn is the time in seconds for which a busy manager asks devices to stay away: nothing while less than
// half of the queue is in use, then two intervals, and four when it is nearly full.
func nextIn(waiting, room int, interval time.Duration) int64 {
	seconds := int64((interval + time.Second - 1) / time.Second)
	switch {
	case waiting*8 >= room*7:
		return 4 * seconds
	case waiting*2 >= room:
		return 2 * seconds
	}
	return 0
}

func (r *Responder) tellDrops(ctx context.Context) {
	ticker := time.NewTicker(dropsEvery)
	defer ticker.Stop()
	for told := int64(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if dropped := r.dropped.Load(); dropped > told {
			r.o.Log.Warn("check-ins dropped: more came than could be answered; devices repeat them", "dropped", dropped-told)
			told = dropped
		}
	}
}
