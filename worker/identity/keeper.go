package identity

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"muster/broker/client/network"
	"muster/topics"
	"muster/topics/token"
)

// Options say who the device is to be, and how it proves that.
type Options struct {
	// Dir is the state directory. It belongs to one process at a time.
	Dir string
	// Root is the topic prefix, Device the device's name, valid for [topics.CheckName].
	Root   topics.Root
	Device string
	// Token is the enrollment token; the zero Token is none.
	Token token.Token
	// EnrollURL is a manager to enroll at over HTTPS, as [CheckEnrollURL] wants it; empty enrolls at the broker.
	EnrollURL string
	// Group is the device_group that the device works for by now; empty when nobody has told it.
	Group string
	// Given are the settings that the managers have a say in too. The URL has no credentials: an identity needs none.
	Given Given
	// Roots are authorities to believe beside those that the managers name; nil is none.
	Roots *x509.CertPool
	// Broker is how to connect when there is no connection of the device's own: keep-alive and the like.
	Broker network.Options
	// Built is when the program was; zero when nobody knows.
	Built time.Time
	// Log is where the keeper tells what it does.
	Log *slog.Logger
}

// A Keeper keeps the device's identity: it gets one where there is none, and the next certificate in time.
type Keeper struct {
	Options
	clock *clock
	// moved is closed when the device is in another group than the one that it works for, once.
	moved chan struct{}
	leave func()
	// doubted says that the device may be in another group by now, until the managers have said which; doubts wakes Follow for that.
	doubted atomic.Bool
	doubts  chan struct{}
	// accepting is held while an answer becomes the identity: there may be two at once, over the link and before it.
	accepting sync.Mutex

	mu       sync.Mutex
	identity *Identity
	// damaged says why what is on the disk is no identity.
	damaged error
	// noted is how the enrollment was when it was last told.
	noted Enrollment

	// What follows is for Prepare alone.

	// failures counts the attempts since the last connection.
	failures int
	// aside says that the last attempt was to renew before connecting.
	aside bool
	// refused says that the last request to be enrolled was refused.
	refused bool
}

// New reads what the state directory has. An identity that is damaged is no error: the device goes on with what it
// runs, and is enrolled again when it has a token.
func New(o Options) *Keeper {
	k := &Keeper{Options: o, moved: make(chan struct{}), doubts: make(chan struct{}, 1)}
	k.leave = sync.OnceFunc(func() { close(k.moved) })
	var err error
	if k.clock, err = loadClock(o.Dir, o.Built); err != nil {
		k.Log.Warn("what is known of the time is of no use", "error", err)
	}
	if e, err := LoadEnrollment(o.Dir); err == nil {
		k.noted = e
	}
	i, err := Load(o.Dir)
	switch {
	case err == nil:
		k.identity = &i
	case !errors.Is(err, os.ErrNotExist):
		k.damaged = err
	}
	return k
}

// Identity is what the device has; enrolled is false when it has none.
func (k *Keeper) Identity() (i Identity, enrolled bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.identity == nil {
		return Identity{}, false
	}
	return *k.identity, true
}

// Moved is closed when the managers have put the device into another device_group than the one it had. Whoever works for
// the old one has to start anew.
func (k *Keeper) Moved() <-chan struct{} { return k.moved }

// Refused is the Refused of the device's network client. A broker that refuses the config of the device's group may know that the device is in
// another by now; the managers tell with the next certificate, which is asked for at once.
func (k *Keeper) Refused(filter string) {
	if filter != k.Root.Topic(topics.GroupConfig, k.Group) {
		return
	}
	k.doubted.Store(true)
	select {
	case k.doubts <- struct{}{}:
	default:
	}
}

// Expired reports whether the certificate has expired, as far as this device can tell.
func (k *Keeper) Expired() bool {
	i, enrolled := k.Identity()
	return enrolled && !k.clock.now().Before(i.NotAfter())
}

// Prepare is the Prepare of the device's network client. It gets an identity where there is none, which may take days; a
// certificate that has expired, or that the broker does not want, is renewed over a connection of its own first.
func (k *Keeper) Prepare(ctx context.Context, o *network.Options, last error) error {
	if last == nil {
		k.failures = 0
	} else {
		k.failures++
	}
	if _, enrolled := k.Identity(); !enrolled {
		if err := k.enrollAtLength(ctx); err != nil {
			return err
		}
	}
	if err := k.address(o); err != nil {
		return err
	}
	// In turns: who is refused either way may be let in by the other one day.
	k.aside = !k.aside && (k.Expired() || network.RefusedLogin(last))
	if !k.aside {
		return nil
	}
	if err := k.renewAside(ctx, *o); err != nil {
		return fmt.Errorf("renew the certificate: %w", err)
	}
	return k.address(o)
}

// address fills in where to connect, and with what.
func (k *Keeper) address(o *network.Options) error {
	if o.URL = k.brokerURL(); o.URL == "" {
		return errNoBroker
	}
	o.Username, o.Password, o.TLS = "", nil, nil
	host, protocol, err := broker(o.URL)
	if protocol != "" {
		o.TLS = k.tlsConfig(host, protocol)
	}
	return err
}

var errNoBroker = errors.New("broker-url: must be given, because the managers name no broker")

// brokerURL is where the managers say that the broker is, and in turns where the settings say when it can not be reached there: a
// mistake of an admin's must not cost the fleet.
func (k *Keeper) brokerURL() string {
	i, enrolled := k.Identity()
	told := i.BrokerURL
	if !enrolled || told == "" || i.Given.BrokerURL != k.Given.BrokerURL || k.failures%4 >= 2 {
		if k.Given.BrokerURL != "" {
			return k.Given.BrokerURL
		}
	}
	return told
}

// broker takes a broker's URL apart: the host, and what is spoken below TLS; empty without TLS.
func broker(text string) (host, protocol string, err error) {
	if err := network.CheckURL(text); err != nil {
		return "", "", err
	}
	u, err := url.Parse(text)
	if err != nil {
		return "", "", errors.New("broker URL: cannot be parsed") // the error would quote a password
	}
	switch u.Scheme {
	case "mqtt", "tcp", "ws":
		return u.Hostname(), "", nil
	case "wss":
		return u.Hostname(), protocolHTTP, nil
	}
	return u.Hostname(), protocolMQTT, nil
}
