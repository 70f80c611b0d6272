package enroll

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"muster/broker/client"
	"muster/topics"
)

// ResponderOptions say how a [Responder] is to be. Zero values stand for the defaults.
type ResponderOptions struct {
	// Root is the installation's topic prefix; by default [topics.DefaultRoot].
	Root topics.Root
	// Share, when not empty, shares the requests with the other managers on the broker that use the same one. Where the broker
	// cannot do that, every manager answers, and all the same.
	Share string
	// Log is by default slog.Default().
	Log *slog.Logger
}

const (
	// workers answer at a time: each waits for the disk several times, which it does together with the others.
	workers = 64
	// waiting is how many requests may wait for their answer. Others are dropped, and devices repeat them.
	waiting = 4096
	// patience is how long a request may take. After that, the device asks again.
	patience = 20 * time.Second
	// replyExpiry is how long a reply is of use.
	replyExpiry = time.Minute
	// tellEvery is how often requests that were not answered are logged at most.
	tellEvery = time.Minute
)

// A Responder answers over MQTT while its Run runs.
type Responder struct {
	client client.Client
	desk   *Desk
	o      ResponderOptions

	queue   chan client.Message
	dropped atomic.Int64
}

// NewResponder prepares a Responder. c may be shared with others.
func NewResponder(c client.Client, desk *Desk, o ResponderOptions) *Responder {
	if o.Root == "" {
		o.Root = topics.DefaultRoot
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Responder{client: c, desk: desk, o: o, queue: make(chan client.Message, waiting)}
}

// Run answers until ctx ends. It must be called once. It fails only when the client cannot subscribe any more.
func (r *Responder) Run(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	for range workers {
		running.Go(func() { r.work(ctx) })
	}
	running.Go(func() { r.tellDropped(ctx) })
	for _, kind := range []topics.Kind{topics.EnrollRequest, topics.DeviceRenew} {
		err := r.client.Subscribe(client.Subscription{Filter: r.o.Root.Filter(kind), QoS: 1, Share: r.o.Share, Handler: r.take})
		if err != nil {
			return fmt.Errorf("subscribe to requests for certificates: %w", err)
		}
	}
	<-ctx.Done()
	return nil
}

// take queues a request. A retained one is none of now.
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

// answer replies to the device that the topic names, whoever the request may speak of.
func (r *Responder) answer(ctx context.Context, m client.Message) {
	from, err := r.o.Root.Parse(m.Topic)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	decide, on := r.desk.Enroll, topics.EnrollReply
	if from.Kind == topics.DeviceRenew {
		decide, on = r.desk.Renew, topics.DeviceCertificate
	}
	request, err := topics.ParseCertificateRequest(m.Payload)
	reply := topics.CertificateReply{RequestID: request.RequestID, State: topics.Refused}
	if err != nil {
		reply.Error = err.Error()
	} else {
		reply = decide(ctx, from.Name, request)
	}
	payload, err := reply.Encode()
	if err != nil {
		r.o.Log.Error("reply to a request for a certificate cannot be encoded", "device", from.Name, "error", err)
		return
	}
	err = r.client.Publish(ctx, client.Message{
		Topic: r.o.Root.Topic(on, from.Name), Payload: payload, QoS: 1, Expiry: replyExpiry,
		ContentType: "application/json", CorrelationData: m.CorrelationData,
	})
	if err != nil && !errors.Is(err, client.ErrNotConnected) && !errors.Is(err, client.ErrClosed) {
		r.o.Log.Warn("a reply to a request for a certificate could not be published; the device asks again", "device", from.Name, "error", err)
	}
}

// tellDropped logs how many requests got no reply.
func (r *Responder) tellDropped(ctx context.Context) {
	ticker := time.NewTicker(tellEvery)
	defer ticker.Stop()
	for told := int64(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if n := r.dropped.Load(); n > told {
			r.o.Log.Warn("requests for certificates dropped: more came than could be answered; devices repeat them", "dropped", n-told)
			told = n
		}
	}
}
