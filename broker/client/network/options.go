package network

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"math"
	"time"

	"muster/broker/client"
)

// Options are what [Dial] needs to know. URL and ClientID are required.
type Options struct {
	// URL is where the broker is: mqtt://, mqtts://, ws:// or wss://, then host and optionally port. The
	// default ports are 1883, 8883, 80 and 443. "tcp" means the same as "mqtt", "ssl" and "tls" the same
	// as "mqtts". A user name and password may stand before the host, percent-encoded. Only ws and wss
	// have a path; when it is left out, it is /mqtt.
	URL string
	// ClientID is the identity at the broker. Of two clients with the same one, the broker drops the
	// older.
	ClientID string
	// Username and Password, when not empty, are used instead of those in URL.
	Username string
	Password []byte
	// TLS is used with mqtts and wss. The default trusts the system's certificate authorities.
	TLS *tls.Config
	// KeepAlive is the longest time without a sign of life in either direction; a dead connection is
	// noticed within twice that. It is rounded up to whole seconds; the default is a minute.
	KeepAlive time.Duration
	// Will, when not nil, is asked before each attempt to connect for the message that the broker shall
	// publish if the connection ends without a goodbye; nil is none. Its MQTT 5 properties, expiry
	// included, are not sent: the library leaves them out.
	Will func() *client.Message
	// Prepare, when not nil, is called before each attempt to connect, and before Will, with a copy of these options, of which it
	// may change URL, Username, Password and TLS for this attempt. last is what the attempt before failed with, nil when there
	// was none or it made a connection. It may take its time until ctx ends; an error is that of a failed attempt.
	Prepare func(ctx context.Context, o *Options, last error) error
	// Refused, when not nil, is called with each filter that the broker refuses to subscribe this client to, on each connection. It must
	// not wait.
	Refused func(filter string)
	// Session, when not nil, is one that lasts; see there.
	Session *Session
	// Backoff says how long to wait between attempts to connect.
	Backoff Backoff
	// Log gets a line for each connection that is made, is lost or fails. The default is to say nothing.
	Log *slog.Logger
}

// CheckURL says what is wrong with a broker's URL, as [Dial] would.
func CheckURL(url string) error {
	_, err := parseURL(url)
	return err
}

// withDefaults fills in what was left out, and checks the rest.
func (o Options) withDefaults() (Options, endpoint, error) {
	where, err := parseURL(o.URL)
	if err != nil {
		return o, where, err
	}
	if o.ClientID == "" {
		return o, where, fmt.Errorf("MQTT client id: must not be empty")
	}
	if len(o.ClientID) > math.MaxUint16 {
		return o, where, fmt.Errorf("MQTT client id: has %d bytes, at most %d are allowed", len(o.ClientID), math.MaxUint16)
	}
	o.Username = cmp.Or(o.Username, where.username)
	if len(o.Password) == 0 {
		o.Password = []byte(where.password)
	}
	o.KeepAlive = cmp.Or(o.KeepAlive, time.Minute)
	if o.KeepAlive < 0 || o.KeepAlive > math.MaxUint16*time.Second {
		return o, where, fmt.Errorf("MQTT keep-alive: must be between 1s and %v, is %v", math.MaxUint16*time.Second, o.KeepAlive)
	}
	if o.Backoff, err = o.Backoff.withDefaults(); err != nil {
		return o, where, err
	}
	if o.Session != nil {
		if err := o.Session.check(); err != nil {
			return o, where, err
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o, where, nil
}

// seconds rounds up to whole seconds.
func seconds(d time.Duration) uint32 {
	return uint32(min((d+time.Second-1)/time.Second, math.MaxUint32))
}
