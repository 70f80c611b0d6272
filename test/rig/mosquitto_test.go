package rig

import (
	"net"
	"strings"
	"testing"
)

func TestMosquittoStopsAndStarts(t *testing.T) {
	b := Mosquitto(t, MosquittoOptions{Users: map[string]string{"manager": "secret"}})
	if got, want := b.URLOf("mqtt", "manager"), "mqtt://manager:secret@"+b.Addr(); got != want {
		t.Errorf("URLOf is %q, want %q", got, want)
	}
	for range 2 {
		b.Stop()
		b.Stop() // of no effect
		if conn, err := net.Dial("tcp", b.Addr()); err == nil {
			conn.Close()
			t.Fatal("it accepts connections after Stop")
		}
		b.Start()
		if err := b.probe(); err != nil {
			t.Fatalf("it does not answer after Start: %v", err)
		}
	}
	if !strings.Contains(b.logged(), "mosquitto version") {
		t.Errorf("the log is not kept: %q", b.logged())
	}
}

func TestMosquittoURL(t *testing.T) {
	b := &Broker{firstPort: 20000, options: MosquittoOptions{Also: []string{"ws", "mqtts"}, Users: map[string]string{"u": "p w"}}}
	for scheme, want := range map[string]string{
		"mqtt":  "mqtt://u:p%20w@127.0.0.1:20000",
		"ws":    "ws://u:p%20w@127.0.0.1:20001",
		"mqtts": "mqtts://u:p%20w@127.0.0.1:20002",
	} {
		if got := b.URLOf(scheme, "u"); got != want {
			t.Errorf("%s: %q, want %q", scheme, got, want)
		}
	}
	if got, want := b.URL(), "mqtt://"+b.Addr(); got != want {
		t.Errorf("URL is %q, want %q", got, want)
	}
}
