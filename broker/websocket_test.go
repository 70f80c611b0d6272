package broker

import (
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/mochi-mqtt/server/v2/packets"

	"muster/broker/client"
)

// dialWebSocket connects to a ws or wss URL.
func dialWebSocket(t testing.TB, url string, config *tls.Config, header http.Header) *wire {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"mqtt"}, TLSClientConfig: config}
	ws, response, err := dialer.Dial(url+"/mqtt", header)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	defer response.Body.Close()
	if got := response.Header.Get("Sec-Websocket-Protocol"); got != "mqtt" {
		t.Errorf("the subprotocol is %q", got)
	}
	return newWire(t, newWebSocketConn(ws), 5)
}

func TestWebSocket(t *testing.T) {
	pki := newPKI(t)
	s := listen(t, func(o *Options) {
		o.WebSocketAddr, o.WebSocketTLSAddr, o.TLS = "127.0.0.1:0", "127.0.0.1:0", pki.server
	})
	for name, dial := range map[string]func() *wire{
		"ws":  func() *wire { return dialWebSocket(t, "ws://"+s.WebSocketAddr().String(), nil, nil) },
		"wss": func() *wire { return dialWebSocket(t, "wss://"+s.WebSocketTLSAddr().String(), pki.client, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			w := dial().mustConnect("m", as("manager"))
			w.subscribe("muster/v1/#")
			payload := strings.Repeat("x", 60_000)
			w.send(publishPacket(group("a"), payload, 0, false))
			w.wantMessage(group("a"), payload)

			// Packets and messages need not begin and end together (MQTT-6.0.0-3).
			raw := w.Conn.(*webSocketConn)
			two := append(w.encode(publishPacket(group("b"), "1", 0, false)), w.encode(publishPacket(group("b"), "2", 0, false))...)
			for _, part := range [][]byte{two[:3], {}, two[3 : len(two)-2], two[len(two)-2:]} {
				if _, err := raw.Write(part); err != nil {
					t.Fatal(err)
				}
			}
			w.wantMessage(group("b"), "1")
			w.wantMessage(group("b"), "2")

			if err := raw.ws.WriteMessage(websocket.TextMessage, []byte("hello")); err != nil {
				t.Fatal(err)
			}
			w.wantEnd()
			eventually(t, "the client is gone", func() bool { return s.Connections() == 0 })
		})
	}
}

func TestWebSocketOrigins(t *testing.T) {
	s := listen(t, func(o *Options) { o.WebSocketAddr = "127.0.0.1:0" })
	addr := s.WebSocketAddr().String()
	for _, tt := range []struct {
		name, host, origin string
		upgraded           bool
		connack            byte // without credentials
	}{
		{"a program", addr, "", true, 0},
		{"a page of this host, on another port", addr, "http://127.0.0.1:8080", true, 0},
		{"a page of another host", addr, "https://evil.example", false, 0},
		{"a page whose host name was made to mean this machine", "evil.example", "http://evil.example", true, 0x86},
		{"a program by a name for this machine", "localhost", "", true, 0},
		{"no URL", addr, "://", false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := http.Header{"Host": {tt.host}}
			if tt.origin != "" {
				header.Set("Origin", tt.origin)
			}
			dialer := websocket.Dialer{Subprotocols: []string{"mqtt"}}
			ws, response, err := dialer.Dial("ws://"+addr, header)
			if response == nil {
				t.Fatalf("dial: %v", err)
			}
			defer response.Body.Close()
			if (err == nil) != tt.upgraded {
				t.Fatalf("dial: %v", err)
			}
			if err != nil {
				if response.StatusCode != http.StatusForbidden {
					t.Errorf("answered with %v", response)
				}
				return
			}
			if got := newWire(t, newWebSocketConn(ws), 5).connect("c").ReasonCode; got != tt.connack {
				t.Errorf("CONNECT is answered with %#x, want %#x", got, tt.connack)
			}
		})
	}
}

func TestWebSocketPlainRequest(t *testing.T) {
	s := listen(t, func(o *Options) { o.WebSocketAddr = "127.0.0.1:0" })
	response, err := http.Get("http://" + s.WebSocketAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "MQTT over WebSocket") {
		t.Errorf("answered with %d %q", response.StatusCode, body)
	}
}

// A WebSocket client that goes away properly, without a DISCONNECT, leaves its will.
func TestWebSocketClosed(t *testing.T) {
	s := listen(t, func(o *Options) { o.WebSocketAddr = "127.0.0.1:0" })
	w := dialWebSocket(t, "ws://"+s.WebSocketAddr().String(), nil, nil).mustConnect("m", as("manager"), withWill(group("a"), "gone", true))
	if err := w.Conn.(*webSocketConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the will is there", func() bool { return s.Stats().Retained == 1 })
	if pk, err := w.receive(patience); err == nil && pk.FixedHeader.Type != packets.Disconnect {
		t.Errorf("received %+v", pk)
	}
}

// A WebSocket peer that stops reading is let go like any other: the library underneath must not put off the
// deadline.
func TestWebSocketBlockedReader(t *testing.T) {
	s := listen(t, func(o *Options) { o.WebSocketAddr, o.WriteTimeout = "127.0.0.1:0", 100*time.Millisecond })
	manager := s.Client("manager")
	defer manager.Close()
	w := dialWebSocket(t, "ws://"+s.WebSocketAddr().String(), nil, nil).mustConnect("w", as("viewer"))
	w.subscribe("muster/v1/#")
	m := client.Message{Topic: group("a"), Payload: make([]byte, 60_000)}
	eventually(t, "the client is gone", func() bool {
		if err := manager.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		return s.Connections() == 0
	})
}
