package enroll

import (
	"context"
	"crypto"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"muster/manager/store"
	"muster/topics"
	"muster/topics/token"
)

// Authority issues certificates, as an [authority.Fleet] does.
type Authority interface {
	// IssueDevice issues a certificate for a device's key: in PEM, with those that it was issued by, the root left out.
	IssueDevice(device string, publicKey crypto.PublicKey, life time.Duration) (pem string, issued store.IssuedCertificate, err error)
	// Roots are the authorities that devices have to trust, in PEM.
	Roots() string
}

// Options are what a [Desk] is made of. All are required but for those that say so.
type Options struct {
	Tokens     store.Documents[store.Token]
	Identities store.Identities
	Devices    store.Devices
	Audit      store.Audit
	Authority  Authority
	// Life is how long a device's certificate is good for; by default [DefaultLife].
	Life time.Duration
	// BrokerURL is what devices are told to connect to; empty leaves them at the broker that they have.
	BrokerURL string
	// CacheTime is for how long changes of tokens through other managers may go unnoticed; by default 10 s.
	CacheTime time.Duration
	// Changed is told of each identity that was changed here, as it is now; one without a State was deleted. It must not block. It may
	// be nil.
	Changed func(store.Identity)
	// Log is by default slog.Default().
	Log *slog.Logger
}

// DefaultLife is how long a certificate is good for unless something else is asked for. A device renews it after two thirds.
const DefaultLife = 90 * 24 * time.Hour

// pendingRetry is about when a device asks again that waits for an admin, or for a manager that cannot tell.
const pendingRetry = 30 * time.Second

// A Desk decides which device gets a certificate. It is safe for concurrent use.
type Desk struct {
	o      Options
	tokens *tokens
	trail  trail
	// refused are brakes by who asks, and issued by device.
	refused, issued *brakes
	turns           turns
}

// New makes a Desk.
func New(o Options) (*Desk, error) {
	if o.Tokens == nil || o.Identities == nil || o.Devices == nil || o.Audit == nil || o.Authority == nil {
		return nil, errors.New("enroll: an option is missing")
	}
	if o.Life <= 0 {
		o.Life = DefaultLife
	}
	if o.CacheTime <= 0 {
		o.CacheTime = 10 * time.Second
	}
	if o.Changed == nil {
		o.Changed = func(store.Identity) {}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Desk{
		o: o, tokens: newTokens(o.Tokens, o.CacheTime), trail: newTrail(o),
		refused: newBrakes(20, time.Second), issued: newBrakes(10, time.Minute),
	}, nil
}

// TokensChanged has the next request be judged by the tokens that there are now.
func (d *Desk) TokensChanged() { d.tokens.changes.Add(1) }

// A refusal is an answer that stays the same when the device asks again.
type refusal struct{ reason string }

func (r *refusal) Error() string { return r.reason }

func refuse(reason string) error { return &refusal{reason} }

// errToken does not tell whether there is such a token.
var errToken = refuse("the token is unknown, or not an enrollment token")

// errBusy has a device ask again.
var errBusy = errors.New("too many requests, ask again later")

// EnrollNamed answers a request with a token, for the device that it names.
func (d *Desk) EnrollNamed(ctx context.Context, r topics.CertificateRequest) topics.CertificateReply {
	return d.Enroll(ctx, nameOf(r.CSR), r)
}

// Enroll answers a request with a token, for the device that is asking by that name.
func (d *Desk) Enroll(ctx context.Context, device string, r topics.CertificateRequest) topics.CertificateReply {
	t, err := d.token(ctx, r)
	if err != nil {
		return d.reply(r, device, strangers, topics.CertificateReply{}, err)
	}
	reply, err := d.enroll(ctx, device, r, t)
	return d.reply(r, device, token.EnrollUser(t.ID), reply, err)
}

func (d *Desk) token(ctx context.Context, r topics.CertificateRequest) (store.Token, error) {
	shown, err := token.Parse(r.Token)
	if err != nil {
		return store.Token{}, &topics.FieldError{Field: "token", Reason: err.Error()}
	}
	return d.tokens.find(ctx, shown.ID, shown.Secret())
}

// Renew answers a request for the next certificate of the device that is connected by that name.
func (d *Desk) Renew(ctx context.Context, device string, r topics.CertificateRequest) topics.CertificateReply {
	by := "device:" + device
	if d.refused.exhausted(by) {
		return d.reply(r, device, by, topics.CertificateReply{}, errBusy)
	}
	reply, err := d.renew(ctx, device, r)
	return d.reply(r, device, by, reply, err)
}

// strangers is who asks without a token that is one. They are told so however often they ask, but the log is not.
const strangers = "a stranger"

// reply completes the reply, and logs and counts against whoever asks what was refused.
func (d *Desk) reply(r topics.CertificateRequest, device, by string, reply topics.CertificateReply, err error) topics.CertificateReply {
	refused, final := errors.AsType[*refusal](err)
	field, wrong := errors.AsType[*topics.FieldError](err)
	switch {
	case err == nil:
	case final || wrong:
		reply = topics.CertificateReply{State: topics.Refused}
		if final {
			reply.Error = refused.reason
		} else {
			reply.Error = field.Error()
		}
		if !d.refused.exhausted(by) {
			d.o.Log.Warn("no certificate for a device", "device", device, "by", by, "reason", reply.Error)
		}
		d.refused.count(by)
	case errors.Is(err, errBusy):
		reply = topics.CertificateReply{State: topics.Retry, Error: err.Error()}
	default:
		d.o.Log.Error("cannot tell whether a device gets a certificate", "device", device, "by", by, "error", err)
		reply = topics.CertificateReply{State: topics.Retry, Error: "the manager cannot tell for now, ask again later"}
	}
	if reply.State == topics.Pending || reply.State == topics.Retry {
		reply.RetryIn = int64((pendingRetry + rand.N(pendingRetry)).Seconds())
	}
	reply.RequestID = r.RequestID
	return reply
}
