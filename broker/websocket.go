package broker

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/websocket"
)

// serveWebSocket serves MQTT over WebSocket (MQTT 5.0 §6) on every path, until the listener is closed.
func (s *Server) serveWebSocket(l net.Listener, config *tls.Config) {
	bound := isLoopback(l.Addr())
	upgrader := websocket.Upgrader{
		Subprotocols: []string{"mqtt", "mqttv3.1"},
		CheckOrigin:  sameHost,
		// Packets are written whole and read through mochi's buffer.
		ReadBufferSize: 1024, WriteBufferSize: 1024,
		Error: func(w http.ResponseWriter, _ *http.Request, status int, reason error) {
			http.Error(w, "this is MQTT over WebSocket: "+reason.Error(), status)
		},
	}
	server := http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ws, err := upgrader.Upgrade(w, r, nil)
			if err != nil {
				return // the upgrader has answered
			}
			nc := newWebSocketConn(ws)
			s.handle(nc, bound && isLoopback(nc.RemoteAddr()) && isLoopbackHost(r.Host))
		}),
		ReadHeaderTimeout: s.opts.ConnectTimeout,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	l = undisturbedListener{l}
	if config != nil {
		l = s.secureListener(l, config)
	}
	_ = server.Serve(l) // it is only ever ended by unbind
	_ = server.Close()  // ends the requests that have not become a WebSocket
}

// sameHost lets programs in, which send no Origin, and pages of this host, whatever the port. Other pages
// that a person has open in a browser must not talk to a broker on the same machine.
func sameHost(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Hostname() == hostname(r.Host)
}

// isLoopbackHost reports whether the client meant this machine when it connected. A page whose foreign host
// name was made to resolve to 127.0.0.1 did not.
func isLoopbackHost(host string) bool {
	name := hostname(host)
	ip := net.ParseIP(name)
	return name == "localhost" || ip != nil && ip.IsLoopback()
}

func hostname(host string) string {
	u := url.URL{Host: host}
	return u.Hostname()
}

// An undisturbedListener accepts connections whose write deadline is the conn's alone: the WebSocket library
// sets its own before every write, and would undo the one that ends a stuck write.
type undisturbedListener struct{ net.Listener }

type undisturbedConn struct{ net.Conn }

func (l undisturbedListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return undisturbedConn{nc}, nil
}

func (undisturbedConn) SetWriteDeadline(time.Time) error { return nil }
func (c undisturbedConn) SetDeadline(t time.Time) error  { return c.Conn.SetReadDeadline(t) }

// A webSocketConn is the stream of bytes in the binary messages of a WebSocket.
type webSocketConn struct {
	net.Conn // the one below, for addresses and read deadlines
	ws       *websocket.Conn
	socket   net.Conn  // the one at the bottom, for write deadlines
	tls      *tls.Conn // nil without TLS
	message  io.Reader // the rest of the message that is being read
}

func newWebSocketConn(ws *websocket.Conn) *webSocketConn {
	c := &webSocketConn{Conn: ws.NetConn(), ws: ws}
	c.socket = c.Conn
	if t, ok := c.socket.(*tls.Conn); ok {
		c.tls, c.socket = t, t.NetConn()
	}
	if p, ok := c.socket.(*pacedConn); ok {
		c.socket = p.Conn
	}
	if u, ok := c.socket.(undisturbedConn); ok {
		c.socket = u.Conn
	}
	return c
}

var errTextMessage = errors.New("MQTT in a WebSocket message that is not binary")

// Read reads from the current message, or the next when that is at its end.
func (c *webSocketConn) Read(p []byte) (int, error) {
	for {
		if c.message == nil {
			kind, message, err := c.ws.NextReader()
			switch {
			case websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway):
				return 0, io.EOF
			case err != nil:
				return 0, err
			case kind != websocket.BinaryMessage:
				return 0, errTextMessage // MQTT 5.0 §6, MQTT-6.0.0-1
			}
			c.message = message
		}
		n, err := c.message.Read(p)
		if err == io.EOF {
			c.message, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// Write writes p as one message.
func (c *webSocketConn) Write(p []byte) (int, error) {
	if err := c.ws.WriteMessage(websocket.BinaryMessage, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *webSocketConn) SetWriteDeadline(t time.Time) error { return c.socket.SetWriteDeadline(t) }
func (c *webSocketConn) SetReadDeadline(t time.Time) error  { return c.socket.SetReadDeadline(t) }
func (c *webSocketConn) SetDeadline(t time.Time) error      { return c.socket.SetDeadline(t) }

// CloseWrite says that nothing more will be sent.
func (c *webSocketConn) CloseWrite() error {
	goodbye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	return c.ws.WriteControl(websocket.CloseMessage, goodbye, time.Now().Add(goodbyeTime))
}

// ConnectionState is the state of the TLS connection. It is the zero state without TLS.
func (c *webSocketConn) ConnectionState() tls.ConnectionState {
	if c.tls == nil {
		return tls.ConnectionState{}
	}
	return c.tls.ConnectionState()
}
