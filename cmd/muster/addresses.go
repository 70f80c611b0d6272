package main

import (
	"errors"
	"fmt"
	"net"

	"github.com/spf13/pflag"
)

// addressFlags say where the process listens; empty is nowhere. What has TLS is open to everybody by default, for nobody gets
// in without credentials. What has none is on loopback, unless somebody names another address.
type addressFlags struct {
	http, https, mqtt, mqttTLS, mqttWS, mqttWSS string

	set *pflag.FlagSet
}

func (f *addressFlags) declare(flags *pflag.FlagSet) {
	f.set = flags
	const free = "; port 0 picks a free one, empty is off"
	flags.StringVar(&f.https, "https-addr", ":8443", "HOST:PORT of the REST API over TLS"+free+"; not given, it is a free port on the host of an http-addr with port 0")
	flags.StringVar(&f.http, "http-addr", "127.0.0.1:8080", "HOST:PORT of the REST API without TLS"+free)
	flags.StringVar(&f.mqttTLS, "mqtt-tls-addr", ":8883", "HOST:PORT of the embedded MQTT broker over TLS"+free+"; not given, it is a free port on the host of an mqtt-addr with port 0")
	flags.StringVar(&f.mqttWSS, "mqtt-wss-addr", ":8084", "HOST:PORT of the embedded MQTT broker over WebSocket with TLS"+free+", as with mqtt-tls-addr")
	flags.StringVar(&f.mqtt, "mqtt-addr", "127.0.0.1:1883", "HOST:PORT of the embedded MQTT broker without TLS"+free)
	flags.StringVar(&f.mqttWS, "mqtt-ws-addr", "", "HOST:PORT of the embedded MQTT broker over WebSocket without TLS")
}

// all are the addresses with the names of their flags.
func (f *addressFlags) all() []address {
	return []address{
		{"http-addr", &f.http}, {"https-addr", &f.https}, {"mqtt-addr", &f.mqtt}, {"mqtt-tls-addr", &f.mqttTLS},
		{"mqtt-ws-addr", &f.mqttWS}, {"mqtt-wss-addr", &f.mqttWSS},
	}
}

type address struct {
	flag  string
	value *string
}

// resolve fills in the addresses that were not given: a broker elsewhere leaves none for MQTT, and who lets everybody in
// (open) does not do so on the network.
func (f *addressFlags) resolve(elsewhere, open bool) {
	like := func(flag string, value *string, plain string) {
		if f.set.Changed(flag) {
			return
		}
		if host, port, err := net.SplitHostPort(plain); err == nil && port == "0" {
			*value = net.JoinHostPort(host, "0")
		}
	}
	if open && !f.set.Changed("https-addr") {
		f.https = "127.0.0.1" + f.https
	}
	like("https-addr", &f.https, f.http)
	like("mqtt-tls-addr", &f.mqttTLS, f.mqtt)
	like("mqtt-wss-addr", &f.mqttWSS, f.mqtt)
	if elsewhere {
		for _, a := range f.all()[2:] {
			if !f.set.Changed(a.flag) {
				*a.value = ""
			}
		}
	}
}

// check refuses addresses that are none, and too few or too many of them.
func (f *addressFlags) check(elsewhere bool) error {
	for _, a := range f.all() {
		if *a.value == "" {
			continue
		}
		_, port, err := net.SplitHostPort(*a.value)
		if err != nil {
			return fmt.Errorf("%s: must be HOST:PORT, is %q", a.flag, *a.value)
		}
		if _, err := net.LookupPort("tcp", port); err != nil {
			return fmt.Errorf("%s: the port must be from 0 to 65535, is %q", a.flag, port)
		}
	}
	switch {
	case f.http+f.https == "":
		return errors.New("http-addr and https-addr: must not both be empty")
	case elsewhere && f.mqttTLS+f.mqttWS+f.mqttWSS != "":
		return errors.New("mqtt-tls-addr, mqtt-ws-addr and mqtt-wss-addr: are of no use with broker-url")
	case !elsewhere && f.mqtt+f.mqttTLS+f.mqttWS+f.mqttWSS == "":
		return errors.New("mqtt-addr and mqtt-tls-addr: must not both be empty, since no other address and no broker-url is given")
	}
	return nil
}

// overTLS reports whether any listener has TLS.
func (f *addressFlags) overTLS() bool { return f.https+f.mqttTLS+f.mqttWSS != "" }

// flagOf is the flag for an address of [broker.Options].
func flagOf(field string) (flag string) {
	switch field {
	case "TLSAddr":
		return "mqtt-tls-addr"
	case "WebSocketAddr":
		return "mqtt-ws-addr"
	case "WebSocketTLSAddr":
		return "mqtt-wss-addr"
	}
	return "mqtt-addr"
}

// loopback reports whether the address is one that only this machine reaches.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
