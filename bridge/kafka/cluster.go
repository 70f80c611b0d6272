package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Mechanisms of SASL that a [Cluster] may ask for.
const (
	Plain       = "PLAIN"
	ScramSHA256 = "SCRAM-SHA-256"
	ScramSHA512 = "SCRAM-SHA-512"
)

// A Cluster says how the brokers are reached.
type Cluster struct {
	// Brokers are a few of them, each HOST:PORT; they tell of the others. There must be one.
	Brokers []string
	// ClientID is what this process is called in the brokers' logs and quotas; empty is the library's name.
	ClientID string
	// TLS encrypts the connections; nil leaves them in the clear.
	TLS *tls.Config
	// Mechanism is one of SASL, by which Username and Password are shown; empty is no login.
	Mechanism, Username, Password string
	// Dial opens connections; nil does so over the network, and with TLS when that is asked for.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	Log  *slog.Logger
}

// options are those of the library that readers and writers share. An error names the field.
func (c Cluster) options() ([]kgo.Opt, error) {
	if len(c.Brokers) == 0 {
		return nil, errors.New("brokers: at least one must be given")
	}
	for _, broker := range c.Brokers {
		if _, port, err := net.SplitHostPort(broker); err != nil || port == "" {
			return nil, fmt.Errorf("brokers: each must be HOST:PORT, is %q", broker)
		}
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...), kgo.WithLogger(logger{c.Log}),
		// What programs tell about each other is nobody's business here.
		kgo.DisableClientMetrics(),
	}
	if c.ClientID != "" {
		options = append(options, kgo.ClientID(c.ClientID))
	}
	switch {
	case c.Dial != nil:
		options = append(options, kgo.Dialer(c.Dial))
	case c.TLS != nil:
		options = append(options, kgo.DialTLSConfig(c.TLS))
	}
	mechanism, err := c.mechanism()
	if mechanism != nil {
		options = append(options, kgo.SASL(mechanism))
	}
	return options, err
}

func (c Cluster) mechanism() (sasl.Mechanism, error) {
	switch {
	case c.Mechanism == "" && c.Username+c.Password == "":
		return nil, nil
	case c.Mechanism == "":
		return nil, errors.New("username and password: are of no use without a mechanism of SASL")
	case c.Username == "" || c.Password == "":
		return nil, fmt.Errorf("username and password: must both be given for SASL's %s", c.Mechanism)
	}
	switch c.Mechanism {
	case Plain:
		return plain.Auth{User: c.Username, Pass: c.Password}.AsMechanism(), nil
	case ScramSHA256:
		return scram.Auth{User: c.Username, Pass: c.Password}.AsSha256Mechanism(), nil
	case ScramSHA512:
		return scram.Auth{User: c.Username, Pass: c.Password}.AsSha512Mechanism(), nil
	}
	return nil, fmt.Errorf("mechanism: must be %s, %s or %s, is %q", Plain, ScramSHA256, ScramSHA512, c.Mechanism)
}
