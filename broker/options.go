package broker

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"time"

	"muster/topics"
)

// Options say what [Listen] opens and whom it lets in. Only Root and Authenticate are required; every
// other zero value stands for the default named with it.
type Options struct {
	// Root is the topic prefix below which anything may be published at all.
	Root topics.Root
	// TCPAddr, TLSAddr, WebSocketAddr and WebSocketTLSAddr are "host:port" to listen on for plain MQTT, for
	// MQTT over TLS, for MQTT over WebSocket and for that over TLS. Port 0 takes a free one; an empty
	// address opens nothing.
	TCPAddr, TLSAddr, WebSocketAddr, WebSocketTLSAddr string
	// TLS is required with TLSAddr and WebSocketTLSAddr. See [CertificateError] for its VerifyConnection.
	TLS *tls.Config
	// Authenticate decides who a CONNECT is. It is called from many goroutines at once, and each waits for
	// it. An error refuses the connection and is logged with the client id and the remote address; its text
	// must hold no secret. The client learns only that it was refused.
	Authenticate func(Login) (topics.Subject, error)
	// Report, if there is one, is called with whatever is published on a device's report topic, wills included, before that is
	// acknowledged and delivered; neither is done when it fails. It is called from many goroutines at once, and each connection
	// waits for it: it must return, also when the broker is closed. An MQTT 5 publisher is told a [Refusal]. After any other error,
	// and with MQTT 3.1.1, the connection ends without the acknowledgement; what has QoS 0 is dropped.
	Report func(Published) error
	// TakenOver, if there is one, is called when a client was ended, and took notice, because another one came with the same
	// client id and identity: there are two of them. A client whose connection was lost, and that comes back before the broker knows,
	// is none. It must not block.
	TakenOver func(Takeover)
	// ConnectBurst is how often an identity may connect in quick succession, by default 30, and ConnectInterval how long it takes until it may once
	// more, by default 1 s. Who only claims to be somebody is not counted.
	ConnectBurst    int
	ConnectInterval time.Duration
	// MaxConnections is how many connections may be open at a time; by default 200,000.
	MaxConnections int
	// MaxRetained is how many topics may hold a retained message; by default 500,000.
	MaxRetained int
	// MaxSubscriptions is how many filters a connection may be subscribed to; by default 256.
	MaxSubscriptions int
	// ConnectTimeout is how long a new connection may take for TLS, WebSocket and its CONNECT together; by
	// default 20 s, because thousands of handshakes may wait for one processor after an outage.
	ConnectTimeout time.Duration
	// WriteTimeout is how long a peer may leave one packet unread before it is disconnected; by default
	// 30 s, in which 64 KiB pass a line of 20 kbit/s.
	WriteTimeout time.Duration
	// MaxKeepAlive is the longest keep-alive; by default 10 min. An MQTT 5 client that asks for more, or for
	// none, is told this one. MQTT 3.1.1 has no way to tell, and TCP finds out that such a client is gone.
	MaxKeepAlive time.Duration
	// Log is where connections that are refused or broken are noted; by default nowhere.
	Log *slog.Logger
}

// A Login is what a CONNECT says about who it comes from.
type Login struct {
	// ClientID is never empty: the broker has made one up for a client without.
	ClientID string
	// Username is valid UTF-8 without control characters, and empty when there was none.
	Username string
	// Password must not be kept.
	Password []byte
	Remote   net.Addr
	// Loopback says that the listener is bound to a loopback address and that the peer has one, so that the
	// client runs on this machine; and for a WebSocket, that it was not led here by a foreign host name.
	Loopback bool
	// TLS is the state of the finished handshake, nil without TLS.
	TLS *tls.ConnectionState
}

// withDefaults fills in what o leaves open, and reports what it must not.
func (o Options) withDefaults() (Options, error) {
	setDefault(&o.ConnectBurst, 30)
	setDefault(&o.ConnectInterval, time.Second)
	setDefault(&o.MaxConnections, 200_000)
	setDefault(&o.MaxRetained, 500_000)
	setDefault(&o.MaxSubscriptions, 256)
	setDefault(&o.ConnectTimeout, 20*time.Second)
	setDefault(&o.WriteTimeout, 30*time.Second)
	setDefault(&o.MaxKeepAlive, 10*time.Minute)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if _, err := topics.ParseRoot(string(o.Root)); err != nil {
		return o, err
	}
	if o.Authenticate == nil {
		return o, errors.New("mqtt broker: Options.Authenticate is missing")
	}
	if o.TLS == nil && (o.TLSAddr != "" || o.WebSocketTLSAddr != "") {
		return o, errors.New("mqtt broker: a TLS address needs Options.TLS with a certificate")
	}
	return o, nil
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}
