package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"muster/broker"
	"muster/broker/client"
	"muster/broker/client/network"
	"muster/cmd/internal/program"
	"muster/manager/admission"
	"muster/manager/certificate"
	"muster/manager/publish"
	"muster/topics"
)

// agent is how managers present themselves on MQTT.
func agent() string { return "muster/" + program.Version() }

// A bus is the manager's connection to its broker.
type bus struct {
	client.Client
	// server is the embedded broker; nil when the broker is an external one, at url.
	server *broker.Server
	url    string
	// connected reports whether the broker can be reached.
	connected func() bool
}

// openBus starts the embedded broker or connects to the external one.
func openBus(f serveFlags, root topics.Root, name string, gate *admission.Gate, reports *bridging, overTLS *tls.Config, log *slog.Logger) (bus, error) {
	if f.broker.URL == "" {
		server, err := listen(f, root, gate, reports, overTLS, log)
		if err != nil {
			return bus{}, err
		}
		// It is there as long as this process is.
		return bus{Client: server.Client(name), server: server, connected: func() bool { return true }}, nil
	}
	options, err := f.broker.Options()
	if err != nil {
		return bus{}, err
	}
	options.ClientID = "muster/manager/" + name // no device is called that: their names have no slash
	options.Will = func() *client.Message {
		will, err := publish.Will(root, name, agent())
		if err != nil {
			log.Error("no will for this connection", "error", err)
			return nil
		}
		return &will
	}
	options.Log = log
	dialed, err := network.Dial(options)
	if err != nil {
		return bus{}, fmt.Errorf("broker-url: %w", err)
	}
	return bus{Client: dialed, url: f.broker.Public(), connected: dialed.Connected}, nil
}

func listen(f serveFlags, root topics.Root, gate *admission.Gate, reports *bridging, overTLS *tls.Config, log *slog.Logger) (*broker.Server, error) {
	options := broker.Options{
		Root: root, TCPAddr: f.addr.mqtt, TLSAddr: f.addr.mqttTLS, WebSocketAddr: f.addr.mqttWS, WebSocketTLSAddr: f.addr.mqttWSS,
		Authenticate: gate.Authenticate, TakenOver: gate.TakenOver,
		TLS: certificate.AskDevices(overTLS, gate.CheckCertificate), Log: log,
	}
	if reports != nil {
		options.Report = reports.report
	}
	server, err := broker.Listen(options)
	if taken, ok := errors.AsType[*broker.ListenError](err); ok {
		return nil, fmt.Errorf("%s: %w", flagOf(taken.Field), err)
	}
	return server, err
}

// guard has the gate end connections at the embedded broker; those at an external one are not its.
func (b bus) guard(gate *admission.Gate, group func(device string) string) {
	if b.server == nil {
		gate.Guard(nil, group)
		return
	}
	gate.Guard(b.server, group)
}

// close ends the connection, and then the embedded broker.
func (b bus) close() error {
	err := b.Client.Close()
	if b.server != nil {
		return errors.Join(err, b.server.Close())
	}
	return err
}

// addrs are where the broker is, by the files that tell it: the embedded one's addresses, or the external one's URL without its
// password.
func (b bus) addrs() map[string]string {
	if b.server == nil {
		return map[string]string{mqttAddrFile: b.url}
	}
	at := map[string]string{}
	for file, addr := range map[string]net.Addr{
		mqttAddrFile: b.server.TCPAddr(), mqttsAddrFile: b.server.TLSAddr(), wsAddrFile: b.server.WebSocketAddr(), wssAddrFile: b.server.WebSocketTLSAddr(),
	} {
		if addr != nil {
			at[file] = addr.String()
		}
	}
	return at
}

// settle is how long the broker may take to send what it retains: see [publish.Options].
func (b bus) settle() time.Duration {
	if b.server == nil {
		return publish.SettleRemote
	}
	return 0
}

// replyQoS is that of check-in replies. Inside the process nothing is lost; over a network a reply may be, and the
// device would wait for nothing.
func (b bus) replyQoS() byte {
	if b.server == nil {
		return 1
	}
	return 0
}
