package network

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
)

// reasonNames are the reason codes with which a broker refuses a connection or ends it, MQTT 5.0 §2.4.
var reasonNames = map[byte]string{
	0x80: "unspecified error", 0x81: "malformed packet", 0x82: "protocol error", 0x83: "implementation specific error",
	0x84: "unsupported protocol version", 0x85: "client identifier not valid", 0x86: "bad user name or password",
	0x87: "not authorized", 0x88: "server unavailable", 0x89: "server busy", 0x8a: "banned", 0x8b: "server shutting down",
	0x8c: "bad authentication method", 0x8d: "keep alive timeout", 0x8e: "session taken over",
	0x8f: "topic filter invalid", 0x90: "topic name invalid", 0x93: "receive maximum exceeded",
	0x95: "packet too large", 0x96: "message rate too high", 0x97: "quota exceeded", 0x98: "administrative action",
	0x99: "payload format invalid", 0x9a: "retain not supported", 0x9b: "QoS not supported",
	0x9c: "use another server", 0x9d: "server moved", 0x9e: "shared subscriptions not supported",
	0x9f: "connection rate exceeded", 0xa0: "maximum connect time", 0xa1: "subscription identifiers not supported",
	0xa2: "wildcard subscriptions not supported",
}

var reasonHints = map[byte]string{
	0x84: hintVersion,
	0x85: "the broker does not accept this client id",
	0x86: hintCredentials,
	0x87: hintCredentials,
	0x88: "the broker is there, but not ready",
	0x89: "the broker is overloaded",
	0x8a: "an administrator of the broker has banned this client",
	0x8b: "the broker is being stopped",
	0x8e: "another client has connected with the same client id",
	0x95: "raise the broker's limit on the packet size to 128 KB",
	0x97: "a quota of the broker's is used up, maybe that of connections",
	0x9c: "the broker is elsewhere now: correct the broker URL",
	0x9d: "the broker is elsewhere now: correct the broker URL",
	0x9f: "the broker takes fewer connections per second than it gets",
}

const (
	hintVersion     = "the broker does not speak MQTT 5: upgrade it, or enable MQTT 5"
	hintCredentials = "check user name and password, or the certificate, and that they are allowed this client id and will topic"
)

// hint says what to do about a failed attempt to connect or a lost connection; "" when the error says all.
func hint(err error) string {
	var (
		failed     *connectError
		reason     *reasonError
		unknown    x509.UnknownAuthorityError
		wrongName  x509.HostnameError
		invalid    x509.CertificateInvalidError
		noTLS      tls.RecordHeaderError
		refusedTLS *net.OpError
		dns        *net.DNSError
		unable     *unableError
	)
	switch {
	case errors.As(err, &unable):
		return unable.cure
	case errors.As(err, &reason):
		return reasonHints[reason.code]
	case errors.As(err, &dns):
		if dns.IsNotFound {
			return "there is no host of that name: check the broker URL"
		}
		return "the name could not be looked up: check this machine's DNS"
	case errors.As(err, &unknown):
		return "the broker's certificate is not signed by an authority that is trusted here: give its CA certificate"
	case errors.As(err, &wrongName):
		return "the broker's certificate is for another name: use that name in the broker URL, or another certificate"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the broker's certificate is not valid at this time: renew it, or correct this machine's clock"
	case errors.As(err, &invalid):
		return "the broker's certificate is not fit for its use"
	case errors.As(err, &noTLS):
		return "there is no TLS on this port: use mqtt:// or another port"
	case errors.As(err, &refusedTLS) && refusedTLS.Op == "remote error":
		return "the broker did not accept the TLS handshake: it may require a client certificate"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: is the broker running, and is the port right?"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "this machine has no route to the broker"
	case errors.Is(err, errNoWebSocket):
		return "the web server has no MQTT over WebSockets under the path of the broker URL, or wants credentials of its own"
	case errors.As(err, &failed):
		return greetingHint(failed.greeting)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "nobody answers there: check the address, and firewalls in between"
	}
	return ""
}

// greetingHint tells by the first bytes of the answer what answered a CONNECT.
func greetingHint(greeting string) string {
	switch {
	case greeting == "":
		return "is that an MQTT port, and one without TLS?"
	case greeting[0] == 0x15:
		return "there is TLS on this port: use mqtts://"
	case strings.HasPrefix(greeting, "HTTP"):
		return "there is a web server on this port: use ws:// or another port"
	case strings.HasPrefix(greeting, "\x20\x02\x00"): // a CONNACK of MQTT 3.1.1, §3.2
		switch greeting[3:] {
		case "\x01":
			return hintVersion
		case "\x02":
			return reasonHints[0x85]
		case "\x03":
			return reasonHints[0x88]
		case "\x04", "\x05":
			return hintCredentials
		}
	}
	return "what answers on that port does not speak MQTT 5"
}
