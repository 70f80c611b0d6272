package network

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"github.com/coder/websocket"
)

// open makes a connection that MQTT can be spoken on.
func (e endpoint) open(ctx context.Context, tlsConfig *tls.Config) (net.Conn, error) {
	switch {
	case e.webSocket:
		return e.openWebSocket(ctx, tlsConfig)
	case e.tls:
		return (&tls.Dialer{Config: tlsConfig}).DialContext(ctx, "tcp", e.addr)
	default:
		return (&net.Dialer{}).DialContext(ctx, "tcp", e.addr)
	}
}

func (e endpoint) openWebSocket(ctx context.Context, tlsConfig *tls.Config) (net.Conn, error) {
	u := url.URL{Scheme: "http", Host: e.addr, Path: e.path, RawQuery: e.query}
	if e.tls {
		u.Scheme = "https"
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: tlsConfig, DisableKeepAlives: true}
	//nolint:bodyclose // the library closes it, or has it in memory already
	ws, answer, err := websocket.Dial(ctx, u.String(), &websocket.DialOptions{
		HTTPClient:   &http.Client{Transport: transport},
		Subprotocols: []string{"mqtt"}, // MQTT 5.0 §6
	})
	if err != nil {
		return nil, webSocketError(answer, err)
	}
	return webSocketConn{websocket.NetConn(context.Background(), ws, websocket.MessageBinary), ws}, nil
}

// errNoWebSocket says that there is a web server, but it did not take the connection.
var errNoWebSocket = errors.New("the web server did not open a WebSocket")

// webSocketError leaves the URL out of the error, for the secrets that may be in its query.
func webSocketError(answer *http.Response, err error) error {
	var failed *url.Error
	switch {
	case errors.As(err, &failed):
		return failed.Err
	case answer != nil && answer.StatusCode != http.StatusSwitchingProtocols:
		return fmt.Errorf("%w: status %d", errNoWebSocket, answer.StatusCode)
	}
	return err
}

// A webSocketConn ends without the WebSocket's own goodbye, which may take seconds when the network is
// dead. MQTT has said its goodbye before.
type webSocketConn struct {
	net.Conn
	ws *websocket.Conn
}

func (c webSocketConn) Close() error { return c.ws.CloseNow() }
