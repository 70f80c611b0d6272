package network

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// An endpoint is a broker's URL, taken apart.
type endpoint struct {
	// tls and webSocket say what MQTT is wrapped in.
	tls, webSocket bool
	// addr is host:port.
	addr string
	// path and query are those of a WebSocket.
	path, query        string
	username, password string
}

var schemes = map[string]struct {
	endpoint
	port string
}{
	"mqtt":  {endpoint{}, "1883"},
	"tcp":   {endpoint{}, "1883"},
	"mqtts": {endpoint{tls: true}, "8883"},
	"ssl":   {endpoint{tls: true}, "8883"},
	"tls":   {endpoint{tls: true}, "8883"},
	"ws":    {endpoint{webSocket: true}, "80"},
	"wss":   {endpoint{tls: true, webSocket: true}, "443"},
}

// parseURL takes a broker's URL apart. Its errors quote no more than the scheme: in a URL that is wrong,
// the password may be anywhere behind it.
func parseURL(s string) (endpoint, error) {
	if s == "" {
		return endpoint{}, errors.New("broker URL: must not be empty; it looks like mqtt://host:1883")
	}
	u, err := url.Parse(s)
	if err != nil {
		return endpoint{}, errors.New("broker URL: cannot be parsed; it looks like mqtts://user:password@host:8883, with special characters in the password percent-encoded")
	}
	scheme, ok := schemes[strings.ToLower(u.Scheme)]
	if !ok {
		return endpoint{}, fmt.Errorf("broker URL: must start with mqtt://, mqtts://, ws:// or wss://, starts with %q", u.Scheme)
	}
	e := scheme.endpoint
	if u.Hostname() == "" {
		return endpoint{}, fmt.Errorf("broker URL: has no host; it looks like %s://host:%s", u.Scheme, scheme.port)
	}
	port := u.Port()
	if port == "" {
		port = scheme.port
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return endpoint{}, errors.New("broker URL: the port must be a number from 1 to 65535")
	}
	if u.Fragment != "" || !e.webSocket && (u.RawQuery != "" || strings.Trim(u.Path, "/") != "") {
		return endpoint{}, fmt.Errorf("broker URL: nothing may follow host and port of %s://; a '/', '?' or '#' in the password must be percent-encoded", u.Scheme)
	}
	e.addr = net.JoinHostPort(u.Hostname(), port)
	if e.webSocket {
		if e.path, e.query = u.EscapedPath(), u.RawQuery; strings.Trim(e.path, "/") == "" {
			e.path = "/mqtt"
		}
	}
	e.username = u.User.Username()
	e.password, _ = u.User.Password()
	return e, nil
}

// String is the URL without credentials, for the log. The query goes too: some brokers take tokens there.
func (e endpoint) String() string {
	switch {
	case e.webSocket && e.tls:
		return "wss://" + e.addr + e.path
	case e.webSocket:
		return "ws://" + e.addr + e.path
	case e.tls:
		return "mqtts://" + e.addr
	}
	return "mqtt://" + e.addr
}
