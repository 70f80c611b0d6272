package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

func TestWhereItListens(t *testing.T) {
	type addrs struct{ HTTP, HTTPS, MQTT, TLS, WS, WSS string }
	for name, tc := range map[string]struct {
		args            []string
		elsewhere, open bool
		want            addrs
	}{
		"nothing given":              {want: addrs{"127.0.0.1:8080", ":8443", "127.0.0.1:1883", ":8883", "", ":8084"}},
		"port 0":                     {args: []string{"--http-addr=127.0.0.1:0", "--mqtt-addr=[::1]:0"}, want: addrs{"127.0.0.1:0", "127.0.0.1:0", "[::1]:0", "[::1]:0", "", "[::1]:0"}},
		"port 0 beside given ones":   {args: []string{"--http-addr=127.0.0.1:0", "--https-addr=", "--mqtt-addr=127.0.0.1:0", "--mqtt-wss-addr=:1"}, want: addrs{"127.0.0.1:0", "", "127.0.0.1:0", "127.0.0.1:0", "", ":1"}},
		"plain ones off":             {args: []string{"--http-addr=", "--mqtt-addr="}, want: addrs{"", ":8443", "", ":8883", "", ":8084"}},
		"a broker elsewhere":         {elsewhere: true, want: addrs{"127.0.0.1:8080", ":8443", "", "", "", ""}},
		"open to everybody":          {open: true, want: addrs{"127.0.0.1:8080", "127.0.0.1:8443", "127.0.0.1:1883", ":8883", "", ":8084"}},
		"open, and told to be so":    {open: true, args: []string{"--https-addr=:8443"}, want: addrs{"127.0.0.1:8080", ":8443", "127.0.0.1:1883", ":8883", "", ":8084"}},
		"WebSocket without TLS, too": {args: []string{"--mqtt-ws-addr=:8083"}, want: addrs{"127.0.0.1:8080", ":8443", "127.0.0.1:1883", ":8883", ":8083", ":8084"}},
	} {
		t.Run(name, func(t *testing.T) {
			var f addressFlags
			flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
			f.declare(flags)
			if err := flags.Parse(tc.args); err != nil {
				t.Fatal(err)
			}
			f.resolve(tc.elsewhere, tc.open)
			if diff := cmp.Diff(tc.want, addrs{f.http, f.https, f.mqtt, f.mqttTLS, f.mqttWS, f.mqttWSS}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if err := f.check(tc.elsewhere); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLoopback(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:80": true, "127.9.9.9:80": true, "[::1]:80": true, "localhost:80": true,
		"0.0.0.0:80": false, ":80": false, "[::]:80": false, "192.168.0.1:80": false, "example.com:80": false, "127.0.0.1": false,
	} {
		if got := loopback(addr); got != want {
			t.Errorf("%s: %v, want %v", addr, got, want)
		}
	}
}
