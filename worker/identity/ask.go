package identity

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"time"

	"muster/broker/client"
	"muster/broker/client/network"
	"muster/broker/client/request"
	"muster/topics"
)

// askTime is how long a question may take, with the connection that is made for it.
const askTime = time.Minute

// A RefusedError says that there will be no certificate.
type RefusedError struct {
	// Why is what the other side said.
	Why string
}

func (e *RefusedError) Error() string { return "refused: " + e.Why }

// A question is a request for a certificate, with where it goes over MQTT.
type question struct {
	topics.CertificateRequest
	ask, answer topics.Kind
}

// newQuestion makes a request for the key.
func (k *Keeper) newQuestion(ask, answer topics.Kind) (question, error) {
	key, err := ensureKey(k.Dir)
	if err != nil {
		return question{}, err
	}
	csr, err := certificateRequest(k.Device, key)
	return question{topics.CertificateRequest{RequestID: rand.Text()[:16], CSR: csr}, ask, answer}, err
}

// publish asks over a connection.
func (k *Keeper) publish(ctx context.Context, c client.Client, q question) error {
	payload, err := q.Encode()
	if err != nil {
		return err
	}
	return c.Publish(ctx, client.Message{
		Topic: k.Root.Topic(q.ask, k.Device), Payload: payload, QoS: 1, Expiry: askTime, ContentType: "application/json",
		ResponseTopic: k.Root.Topic(q.answer, k.Device), CorrelationData: []byte(q.RequestID),
	})
}

func newRequester() *request.Requester {
	return request.New(func(payload []byte) string {
		r, err := topics.ParseCertificateReply(payload)
		if err != nil {
			return ""
		}
		return r.RequestID
	}, request.Timeout)
}

// overMQTT asks over a connection of its own. It fails when the first attempt to connect does.
func (k *Keeper) overMQTT(ctx context.Context, o network.Options, q question) (topics.CertificateReply, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, askTime, errNoReply)
	defer cancel()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	o.ClientID, o.Will, o.Session, o.Log = k.Device, nil, nil, slog.New(slog.DiscardHandler)
	o.Prepare = func(ctx context.Context, _ *network.Options, last error) error {
		if last == nil {
			return nil
		}
		fail(last)
		<-ctx.Done() // until it is closed
		return last
	}
	c, err := network.Dial(o)
	if err != nil {
		return topics.CertificateReply{}, err
	}
	defer c.Close() //nolint:errcheck // it always succeeds
	requests := newRequester()
	if err := c.Subscribe(client.Subscription{Filter: k.Root.Topic(q.answer, k.Device), QoS: 1, Handler: requests.Handle}); err != nil {
		return topics.CertificateReply{}, err
	}
	up := make(chan struct{}, 1)
	c.OnUp(func() {
		select {
		case up <- struct{}{}:
		default:
		}
	})
	select {
	case <-up:
	case <-ctx.Done():
		return topics.CertificateReply{}, context.Cause(ctx)
	}
	reply, err := answered(requests.Do(ctx, q.RequestID, func(ctx context.Context) error { return k.publish(ctx, c, q) }))
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return reply, err
}

// answered reads what a question over MQTT got.
func answered(payload []byte, err error) (topics.CertificateReply, error) {
	if err != nil {
		return topics.CertificateReply{}, err
	}
	return topics.ParseCertificateReply(payload)
}

var errNoReply = errors.New("no manager has answered")
