package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/cenkalti/backoff/v5"

	"muster/broker/client/network"
	"muster/topics"
	"muster/topics/token"
	"muster/worker/durable"
)

const (
	// pendingTime is about how long to wait before asking again whether an admin has approved, when the managers do not say.
	pendingTime = time.Minute
	// longestRetryIn bounds what the managers may say.
	longestRetryIn = time.Hour
	// refusedTime is about how long a device that has been refused, and has something to run, waits before it asks again.
	refusedTime = 10 * time.Minute
)

// enrollmentFile tells people on the device, in the state directory, how the enrollment is.
const enrollmentFile = "enrollment.json"

// An Enrollment is how it is with a device that asks for an identity. The zero Enrollment is one that is over.
type Enrollment struct {
	// State is a state of a [topics.CertificateReply], or empty while nobody has answered.
	State string `json:"state,omitempty"`
	// Error says in one line why there is no certificate yet.
	Error string    `json:"error,omitempty"`
	At    time.Time `json:"at,omitzero"`
}

// LoadEnrollment reads how it is in a state directory. It wraps [os.ErrNotExist] when no enrollment is under way.
func LoadEnrollment(dir string) (Enrollment, error) {
	data, err := os.ReadFile(filepath.Join(dir, enrollmentFile))
	if err != nil {
		return Enrollment{}, err
	}
	var e Enrollment
	return e, json.Unmarshal(data, &e)
}

// note tells how the enrollment is, in the log when that is news.
func (k *Keeper) note(e Enrollment) {
	k.mu.Lock()
	news := e.State != k.noted.State
	k.noted = e
	k.mu.Unlock()
	path := filepath.Join(k.Dir, enrollmentFile)
	if e == (Enrollment{}) {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			k.Log.Debug("the state of the enrollment is not cleared", "error", err)
		}
		return
	}
	data, err := json.Marshal(e)
	if err == nil {
		err = durable.WriteLoose(path, data)
	}
	if err != nil {
		k.Log.Debug("the state of the enrollment is not written down", "error", err)
	}
	if news && e.State == topics.Pending {
		fingerprint, _ := KeySHA256(k.Dir) // it was there just now
		k.Log.Info("this device waits for an admin's approval: muster devices approve", "device", k.Device, "key_sha256", fingerprint)
	}
}

// CheckEnroll says why the device cannot be enrolled over a broker's URL: the token must not be shown to whoever listens.
func CheckEnroll(brokerURL string) error {
	host, protocol, err := broker(brokerURL)
	if err == nil && protocol == "" && !loopback(host) {
		return errors.New("must be mqtts:// or wss:// to enroll by, because the token is a secret")
	}
	return err
}

// enrollment is how it is.
func (k *Keeper) enrollment() Enrollment {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.noted
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Enroll asks for an identity until there is one. It fails with a [RefusedError] when there will be none, and with ctx's
// error when that ends first.
func (k *Keeper) Enroll(ctx context.Context) error {
	if k.Token == (token.Token{}) {
		return errors.Join(k.damaged, errors.New("this device has no identity, and no enrollment token to get one"))
	}
	if k.damaged != nil {
		k.Log.Warn("the identity on the disk is of no use; this device is enrolled anew", "error", k.damaged)
	}
	waits := &backoff.ExponentialBackOff{InitialInterval: time.Second, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: 5 * time.Minute}
	for {
		reply, err := k.askToEnroll(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && reply.State == topics.Issued {
			err = k.accept(reply)
			if _, never := errors.AsType[*contradictionError](err); err == nil || never {
				return err
			}
		}
		wait, err := k.pause(reply, err, waits)
		if err != nil {
			return err
		}
		if !sleep(ctx, wait) {
			return ctx.Err()
		}
	}
}

// pause notes why there is no identity yet, and says when to ask again, or why not.
func (k *Keeper) pause(reply topics.CertificateReply, err error, waits *backoff.ExponentialBackOff) (time.Duration, error) {
	if err == nil && reply.State != topics.Refused {
		k.note(Enrollment{State: reply.State, Error: reply.Error, At: time.Now()})
		waits.Reset()
		return asked(reply.RetryIn), nil
	}
	final := err == nil
	if final {
		err = &RefusedError{reply.Error}
	}
	state, wait := k.enrollment().State, waits.NextBackOff()
	if _, refused := errors.AsType[*RefusedError](err); refused {
		// Who waits for an admin is known to the managers, whatever has become since of the token by which it gets at them.
		if final || state != topics.Pending {
			k.note(Enrollment{State: topics.Refused, Error: err.Error(), At: time.Now()})
			return 0, err
		}
		wait = refusedTime/2 + rand.N(refusedTime)
	}
	k.note(Enrollment{State: state, Error: err.Error(), At: time.Now()})
	k.Log.Warn("this device is not enrolled yet", network.Failure(err, "retry_in", wait.Round(time.Millisecond))...)
	return wait, nil
}

// askToEnroll asks once.
func (k *Keeper) askToEnroll(ctx context.Context) (topics.CertificateReply, error) {
	q, err := k.newQuestion(topics.EnrollRequest, topics.EnrollReply)
	if err != nil {
		return topics.CertificateReply{}, err
	}
	q.Token = k.Token.Text()
	if k.EnrollURL != "" {
		return k.overHTTPS(ctx, q)
	}
	o := k.Broker
	o.URL, o.TLS = k.Given.BrokerURL, nil
	o.Username, o.Password = token.EnrollUser(k.Token.ID), []byte(k.Token.Secret())
	host, protocol, err := broker(o.URL)
	if err != nil {
		return topics.CertificateReply{}, err
	}
	if protocol != "" {
		o.TLS = k.tlsConfig(host, protocol)
	}
	reply, err := k.overMQTT(ctx, o, q)
	if network.RefusedLogin(err) {
		err = &RefusedError{fmt.Sprintf("the broker does not take the enrollment token: %v", err)}
	}
	return reply, err
}

// enrollAtLength is Enroll for a device that has something to run meanwhile, and so never gives up.
func (k *Keeper) enrollAtLength(ctx context.Context) error {
	if k.refused && !sleep(ctx, refusedTime/2+rand.N(refusedTime)) {
		return ctx.Err()
	}
	err := k.Enroll(ctx)
	_, k.refused = errors.AsType[*RefusedError](err)
	return err
}

// EnrollAtLength is Enroll that does not give up when it is refused either: an admin may make way for the device yet. It asks every
// ten minutes or so then.
func (k *Keeper) EnrollAtLength(ctx context.Context) error {
	for {
		err := k.enrollAtLength(ctx)
		if _, refused := errors.AsType[*RefusedError](err); !refused {
			return err
		}
		k.Log.Warn("this device is not enrolled", "error", err, "retry_in_about", refusedTime)
	}
}

// asked is how long to wait when the managers ask for that many seconds, at random up to a quarter more.
func asked(seconds int64) time.Duration {
	wait := pendingTime
	if seconds > 0 {
		wait = min(time.Duration(min(seconds, int64(longestRetryIn/time.Second)))*time.Second, longestRetryIn)
	}
	return wait + rand.N(wait/4+1)
}

// sleep waits, or reports false when ctx ends.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
