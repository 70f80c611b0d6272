package kafka

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// refused reports whether the brokers will never have that message, however often they are asked: what is wrong is the
// message itself.
func refused(err error) bool {
	return errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge) || errors.Is(err, kerr.InvalidRecord)
}

// unusable reports whether a topic cannot be written to until somebody does something about it.
func unusable(err error) bool {
	return missing(err) || errors.Is(err, kerr.InvalidTopicException) || errors.Is(err, kerr.TopicAuthorizationFailed)
}

// missing reports whether there is no such topic, or no longer the one that there was.
func missing(err error) bool {
	return errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.UnknownTopicID)
}

// errSlow is the cause of a write that has taken too long.
var errSlow = errors.New("the brokers did not confirm in time")

// explain says in words of this program's settings what a topic cannot be used for.
func (c Cluster) explain(topic string, err error) error {
	switch {
	case missing(err):
		return fmt.Errorf("the brokers have no topic %q and do not make it by themselves: create it: %w", topic, err)
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return fmt.Errorf("the brokers do not allow topic %q to user %q: %w", topic, c.Username, err)
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return fmt.Errorf("the brokers do not take the password of user %q: %w", c.Username, err)
	case errors.Is(err, io.EOF) && c.Username != "":
		return fmt.Errorf("the brokers end connections while they are made, because of TLS or the password of user %q: %w", c.Username, err)
	case errors.Is(err, io.EOF):
		return fmt.Errorf("the brokers end connections while they are made: they may want TLS or a login: %w", err)
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		return fmt.Errorf("the brokers do not know SASL's %s: %w", c.Mechanism, err)
	case errors.Is(err, kerr.InvalidTimestamp):
		return fmt.Errorf("the brokers' clock and this machine's are too far apart, or reports have waited for longer than topic %q allows (message.timestamp.before.max.ms): %w",
			topic, err)
	}
	return err
}

// A dialing keeps what became of the last attempt to connect to a broker: when the brokers do not confirm in time, that
// may be why.
type dialing struct{ failed atomic.Pointer[error] }

// OnBrokerConnect is called by the library.
func (d *dialing) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err == nil {
		d.failed.Store(nil)
		return
	}
	d.failed.Store(&err)
}

// why adds what is known of the reason of an error.
func (d *dialing) why(err error) error {
	if failed := d.failed.Load(); failed != nil {
		return fmt.Errorf("%w: %w", err, *failed)
	}
	return err
}
