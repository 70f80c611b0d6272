package identity

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"muster/broker/client"
	"muster/broker/client/network"
	"muster/topics"
)

// lookTime is how often to look whether the certificate is due for renewal: the device may have slept.
const lookTime = time.Minute

// Follow renews the certificate over the device's connection in time, until ctx ends. It fails when c takes no subscription.
func (k *Keeper) Follow(ctx context.Context, c client.Client) error {
	requests := newRequester()
	if err := c.Subscribe(client.Subscription{Filter: k.Root.Topic(topics.DeviceCertificate, k.Device), QoS: 1, Handler: requests.Handle}); err != nil {
		return err
	}
	up := make(chan struct{}, 1)
	c.OnUp(func() {
		select {
		case up <- struct{}{}:
		default:
		}
	})
	ask := func(q question) (topics.CertificateReply, error) {
		ctx, cancel := context.WithTimeout(ctx, askTime)
		defer cancel()
		return answered(requests.Do(ctx, q.RequestID, func(ctx context.Context) error { return k.publish(ctx, c, q) }))
	}
	waits := &backoff.ExponentialBackOff{InitialInterval: time.Minute, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: time.Hour}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-up:
			k.keepTime(k.clock.letIn())
		case <-k.doubts:
		}
		wait := min(k.due(), lookTime)
		if wait <= 0 || k.doubted.Load() {
			wait = k.followUp(ask, waits)
		}
		timer.Reset(wait)
	}
}

// keepTime says why what is known of the time is not on the disk.
func (k *Keeper) keepTime(err error) {
	if err != nil {
		k.Log.Warn("what is known of the time cannot be kept", "error", err)
	}
}

// followUp asks for the next certificate, and says when to look again.
func (k *Keeper) followUp(ask func(question) (topics.CertificateReply, error), waits *backoff.ExponentialBackOff) time.Duration {
	wait, err := k.renew(ask)
	if err == nil {
		waits.Reset()
		return max(wait, time.Second)
	}
	wait = waits.NextBackOff()
	if !errors.Is(err, client.ErrNotConnected) && !errors.Is(err, context.Canceled) { // the next connection wakes it
		k.Log.Warn("the certificate is not renewed yet", "error", err, "retry_in", wait.Round(time.Second))
	}
	return wait
}

// due is in how long the certificate is to be renewed. The clock and the steady clock both count: one may be set, the other
// stands still while the device is off.
func (k *Keeper) due() time.Duration {
	i, enrolled := k.Identity()
	if !enrolled {
		return lookTime
	}
	age, err := k.clock.age(i.chain[0].SerialNumber.Text(16))
	if err != nil {
		k.Log.Debug("the age of the certificate is not written down", "error", err)
	}
	return i.RenewAfter - max(age, time.Now().Round(0).Sub(i.Received))
}

// renew asks for the next certificate. wait is how long to wait before asking again, when the managers want that.
func (k *Keeper) renew(ask func(question) (topics.CertificateReply, error)) (wait time.Duration, err error) {
	q, err := k.newQuestion(topics.DeviceRenew, topics.DeviceCertificate)
	if err != nil {
		return 0, err
	}
	reply, err := ask(q)
	switch {
	case err != nil:
		return 0, err
	case reply.State == topics.Issued:
		return 0, k.accept(reply)
	case reply.State == topics.Refused:
		return 0, &RefusedError{reply.Error}
	}
	return asked(reply.RetryIn), nil
}

// renewAside asks over a connection of its own, on which the device says nothing else: the broker lets one whose
// certificate has expired do no more.
func (k *Keeper) renewAside(ctx context.Context, o network.Options) error {
	wait, err := k.renew(func(q question) (topics.CertificateReply, error) { return k.overMQTT(ctx, o, q) })
	if err == nil && wait > 0 {
		sleep(ctx, wait)
		return errors.New("the managers cannot tell for now")
	}
	return err
}
