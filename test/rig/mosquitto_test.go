package rig

import (
	"net"
	"strings"
	"testing"
)

func TestMosquittoStopsAndStarts(t *testing.T) {
	b := Mosquitto(t, MosquittoOptions{Users: map[string]string{"manager": "secret"}})
	if got, want := b.URLAs("manager"), "mqtt://manager:secret@"+b.Addr(); got != want {
		t.Errorf("URLAs is %q, want %q", got, want)
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
	for want, o := range map[string]MosquittoOptions{
		"mqtt://h:1":  {},
		"mqtts://h:1": {CertFile: "c"},
		"ws://h:1":    {WebSockets: true},
		"wss://h:1":   {WebSockets: true, CertFile: "c"},
	} {
		if got := (&Broker{addr: "h:1", options: o}).URL(); got != want {
			t.Errorf("%+v: %q, want %q", o, got, want)
		}
	}
}
