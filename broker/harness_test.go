package broker

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"muster/broker/client"
	"muster/topics"
)

// authenticate knows people by their username: "manager", "viewer", and a device by any other name. The
// password is "secret". On this machine nobody needs one.
func authenticate(l Login) (topics.Subject, error) {
	if l.Username == "" && l.Loopback {
		return topics.Subject{Role: topics.RoleLocal}, nil
	}
	if string(l.Password) != "secret" {
		return topics.Subject{}, errors.New("wrong password")
	}
	switch l.Username {
	case "manager", "viewer":
		return topics.Subject{Role: topics.Role(l.Username), Name: l.Username}, nil
	}
	return topics.Subject{Role: topics.RoleDevice, Name: l.Username, Group: topics.AnyGroup}, nil
}

// listen starts a guarded broker that ends with the test.
func listen(t testing.TB, change func(*Options)) *Server {
	t.Helper()
	// Tests have few names and many connections.
	o := Options{Root: topics.DefaultRoot, Authenticate: authenticate, ConnectBurst: 1_000_000}
	o.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	if change != nil {
		change(&o)
	}
	s, err := Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// dialMemory connects to a guarded broker from this machine, without a network.
func dialMemory(t testing.TB, s *Server, version byte) *wire {
	here, there := net.Pipe()
	go s.handle(there, true)
	return newWire(t, here, version)
}

// A subject is a broker that a trap is tried on: mochi alone, or behind the guard.
type subject struct {
	t        *testing.T
	mochi    *mqtt.Server
	guarded  *Server // nil for mochi alone
	manager  client.Client
	buffered bool
}

// setup changes the subjects of a test. mochi alone is as shipped otherwise.
type setup struct {
	// realTime is for probes in which a goroutine waits for a mutex while time must pass.
	realTime bool
	// housekeeping is for traps in what mochi does every second.
	housekeeping bool
	// buffered is for probes that send while the broker sends; connections then have buffers, as TCP has.
	buffered bool
	mochi    func(*mqtt.Options)
	hooks    func() []mqtt.Hook // for mochi alone; by default one that allows everything
	guarded  func(*Options)
}

// compare runs a probe on mochi alone, which must show the trap, and on the guarded broker, which must not.
// Connections are in memory, and time is fake unless the setup says otherwise.
func compare[T comparable](t *testing.T, change setup, probe func(*subject) T, alone, guarded T) {
	run := synctest.Test
	if change.realTime {
		run = func(t *testing.T, f func(*testing.T)) { f(t) }
	}
	t.Run("bare", func(t *testing.T) {
		run(t, func(t *testing.T) {
			s := bareSubject(t, change)
			s.buffered = change.buffered
			if got := probe(s); got != alone {
				t.Errorf("mochi alone: %+v, want %+v: the trap does not show", got, alone)
			}
		})
	})
	t.Run("guarded", func(t *testing.T) {
		run(t, func(t *testing.T) {
			s := listen(t, change.guarded)
			manager := s.Client("manager")
			defer manager.Close()
			subject := &subject{t: t, mochi: s.mqtt, guarded: s, manager: manager, buffered: change.buffered}
			if got := probe(subject); got != guarded {
				t.Errorf("guarded: %+v, want %+v", got, guarded)
			}
		})
	})
}

// wait is how long to wait in real time for what happens with the guard, and never without.
func (s *subject) wait() time.Duration {
	if s.guarded != nil {
		return patience
	}
	return 300 * time.Millisecond
}

func bareSubject(t *testing.T, change setup) *subject {
	o := &mqtt.Options{Logger: slog.New(slog.DiscardHandler), InlineClient: true, Capabilities: mqtt.NewDefaultServerCapabilities()}
	if change.mochi != nil {
		change.mochi(o)
	}
	s := &subject{t: t, mochi: mqtt.New(o)}
	hooks := []mqtt.Hook{&allow{}}
	if change.hooks != nil {
		hooks = change.hooks()
	}
	for _, h := range hooks {
		if err := s.mochi.AddHook(h, nil); err != nil {
			t.Fatal(err)
		}
	}
	if change.housekeeping {
		if err := s.mochi.Serve(); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = s.mochi.Close() })
	return s
}

// allow is a hook that lets everybody in and, unless told otherwise, do anything.
type allow struct {
	mqtt.HookBase
	denyWrites bool
}

func (*allow) ID() string { return "allow" }
func (*allow) Provides(b byte) bool {
	return b == mqtt.OnConnectAuthenticate || b == mqtt.OnACLCheck
}
func (*allow) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }
func (a *allow) OnACLCheck(_ *mqtt.Client, _ string, write bool) bool  { return !write || !a.denyWrites }

// serve runs the broker's end of a connection until it ends.
func (s *subject) serve(nc net.Conn) {
	if s.guarded != nil {
		s.guarded.handle(nc, true)
		return
	}
	_ = s.mochi.EstablishConnection("memory", nc)
	_ = nc.Close()
}

// dial makes a connection without sending anything.
func (s *subject) dial(version byte) *wire {
	s.t.Helper()
	here, there := net.Pipe()
	if s.buffered {
		here, there = tcpPair(s.t)
	}
	go s.serve(there)
	return newWire(s.t, here, version)
}

// tcpPair is both ends of a TCP connection.
func tcpPair(t testing.TB) (here, there net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if here, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if there, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return here, there
}

// publish publishes inside of the process with QoS 1.
func (s *subject) publish(topic, payload string, retain bool) {
	s.t.Helper()
	var err error
	if s.guarded != nil {
		err = s.manager.Publish(s.t.Context(), client.Message{Topic: topic, Payload: []byte(payload), QoS: 1, Retain: retain})
	} else {
		err = s.mochi.Publish(topic, []byte(payload), retain, 1)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// ended reports whether a connection was ended by the other side.
func ended(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) }

// group is the config topic of a device_group.
func group(name string) string { return topics.DefaultRoot.Topic(topics.GroupConfig, name) }

// device is a topic of a device.
func device(kind topics.Kind, name string) string { return topics.DefaultRoot.Topic(kind, name) }

// subscribeLocal subscribes a client in the process and hands payloads to f.
func subscribeLocal(t testing.TB, c client.Client, filter string, f func(payload string)) {
	t.Helper()
	err := c.Subscribe(client.Subscription{Filter: filter, QoS: 1, Handler: func(m client.Message) { f(string(m.Payload)) }})
	if err != nil {
		t.Fatal(err)
	}
}

// messageTo is any message to that topic.
func messageTo(topic string) client.Message {
	return client.Message{Topic: topic, Payload: []byte("x")}
}
