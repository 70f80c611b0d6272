package broker

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"muster/test/logs"
	"muster/topics"
)

func TestRefusedConnects(t *testing.T) {
	const silent = 0xff // no answer: MQTT 3.1.1 has no code for it
	password := func(p string) func(*packets.Packet) {
		return func(pk *packets.Packet) { pk.Connect.Password = []byte(p) }
	}
	for _, tt := range []struct {
		name   string
		id     string
		change func(*packets.Packet)
		v5, v3 byte
	}{
		{"wrong password", "c", password("guess"), 0x86, 5},
		{"no password", "c", func(pk *packets.Packet) { pk.Connect.PasswordFlag, pk.Connect.Password = false, nil }, 0x86, 5},
		{"control character in client id", "a\nb", nil, 0x85, 2},
		{"long client id", strings.Repeat("x", maxName+1), nil, 0x85, 2},
		{"reserved client id", "inline", nil, 0x85, 2},
		{"username that is no UTF-8", "c", as("\xff"), 0x86, 5},
		{"long username", "c", as(strings.Repeat("x", maxName+1)), 0x86, 5},
		{"device with an invalid name", "c", as("no spaces"), 0x86, 5},
		{"unknown role", "c", as("unknown"), 0x86, 5},
		{"another's will", "c", withWill(device(topics.DeviceStatus, "d2"), "x", true), 0x87, 5},
		{"will outside of the root", "c", withWill("elsewhere", "x", true), 0x87, 5},
		{"will with QoS 2", "c", func(pk *packets.Packet) {
			withWill(device(topics.DeviceStatus, "d1"), "x", true)(pk)
			pk.Connect.WillQos = 2
		}, 0x9b, silent},
	} {
		for _, version := range []byte{5, 4} {
			t.Run(fmt.Sprintf("%s, MQTT %d", tt.name, version), func(t *testing.T) {
				s := listen(t, func(o *Options) {
					o.Authenticate = func(l Login) (topics.Subject, error) {
						if l.Username == "unknown" {
							return topics.Subject{Role: "king"}, nil
						}
						return authenticate(l)
					}
				})
				changes := []func(*packets.Packet){as("d1")}
				if tt.change != nil {
					changes = append(changes, tt.change)
				}
				w := dialMemory(t, s, version)
				w.send(connectPacket(version, tt.id, changes...))
				want := tt.v5
				if version == 4 {
					want = tt.v3
				}
				if want != silent {
					if got := w.want(packets.Connack).ReasonCode; got != want {
						t.Errorf("refused with %#x, want %#x", got, want)
					}
				}
				w.wantEnd()
				if got := s.Stats(); got.Refused != 1 || got.Connections != 0 {
					t.Errorf("stats are %+v, want one refused and none connected", got)
				}
				if got := s.Stats().Retained; got != 0 {
					t.Error("the will of a refused connection was published")
				}
			})
		}
	}
}

func TestEnhancedAuthentication(t *testing.T) {
	w := dialMemory(t, listen(t, nil), 5)
	got := w.connect("c", as("d1"), func(pk *packets.Packet) { pk.Properties.AuthenticationMethod = "SCRAM" })
	if got.ReasonCode != 0x8c {
		t.Errorf("answered with %#x, want 0x8c", got.ReasonCode)
	}
	w = dialMemory(t, listen(t, nil), 5).mustConnect("c", as("d1"))
	w.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Auth}})
	if got := w.want(packets.Disconnect).ReasonCode; got != 0x8c {
		t.Errorf("an AUTH is answered with %#x, want 0x8c", got)
	}
}

func TestLogin(t *testing.T) {
	logins := make(chan Login, 1)
	s := listen(t, func(o *Options) {
		o.TCPAddr = "127.0.0.1:0"
		o.Authenticate = func(l Login) (topics.Subject, error) {
			l.Password = append([]byte(nil), l.Password...)
			logins <- l
			return topics.Subject{Role: topics.RoleViewer}, nil
		}
	})
	w := dialTCP(t, s.TCPAddr(), 5).mustConnect("", as("someone"))
	l := <-logins
	if l.ClientID == "" || l.Username != "someone" || string(l.Password) != "secret" || !l.Loopback || l.TLS != nil {
		t.Errorf("login is %+v", l)
	}
	if l.Remote.String() != w.LocalAddr().String() {
		t.Errorf("login says it comes from %v, not %v", l.Remote, w.LocalAddr())
	}
}

// Loopback takes both ends: a listener that others reach too proves nothing about a peer with a loopback
// address, which may be a proxy's.
func TestLoopback(t *testing.T) {
	s := listen(t, func(o *Options) { o.TCPAddr = "0.0.0.0:0" })
	port := s.TCPAddr().String()[strings.LastIndexByte(s.TCPAddr().String(), ':'):]
	if got := dialTCP(t, fakeAddr("127.0.0.1"+port), 5).connect("c").ReasonCode; got != 0x86 {
		t.Errorf("a client without credentials got %#x from a listener on all addresses", got)
	}
	s = listen(t, func(o *Options) { o.TCPAddr = "127.0.0.1:0" })
	if got := dialTCP(t, s.TCPAddr(), 5).connect("c").ReasonCode; got != 0 {
		t.Errorf("a client without credentials got %#x from a loopback listener", got)
	}
}

type fakeAddr string

func (fakeAddr) Network() string  { return "tcp" }
func (a fakeAddr) String() string { return string(a) }

func TestConnackTellsTheLimits(t *testing.T) {
	w := dialMemory(t, listen(t, func(o *Options) { o.MaxKeepAlive = 90 * time.Second }), 5)
	p := w.connect("", as("d1"), func(pk *packets.Packet) {
		pk.Connect.Keepalive = 0
		pk.Properties.SessionExpiryInterval, pk.Properties.SessionExpiryIntervalFlag = 3600, true
	}).Properties
	if p.MaximumPacketSize != maxPacket {
		t.Errorf("Maximum Packet Size is %d", p.MaximumPacketSize)
	}
	if p.MaximumQos != 1 || !p.MaximumQosFlag {
		t.Errorf("Maximum QoS is %d", p.MaximumQos)
	}
	if p.SubIDAvailable != 0 || !p.SubIDAvailableFlag {
		t.Error("subscription identifiers are said to be available")
	}
	if p.ServerKeepAlive != 90 || !p.ServerKeepAliveFlag {
		t.Errorf("Server Keep Alive is %d", p.ServerKeepAlive)
	}
	if p.SessionExpiryInterval != 0 || !p.SessionExpiryIntervalFlag {
		t.Errorf("Session Expiry Interval is %d", p.SessionExpiryInterval)
	}
	if p.AssignedClientID == "" {
		t.Error("no client id was assigned")
	}
	if p.RetainAvailableFlag && p.RetainAvailable == 0 {
		t.Error("retained messages are said not to be available")
	}
}

func TestKeepAlive(t *testing.T) {
	for _, tt := range []struct {
		name    string
		version byte
		asked   uint16
		after   time.Duration // when a silent client is gone; 0 for never
	}{
		{"MQTT 5", 5, 30, 45 * time.Second},
		{"MQTT 3.1.1", 4, 30, 45 * time.Second},
		{"MQTT 5, none", 5, 0, 15 * time.Minute},
		{"MQTT 5, too long", 5, 3600, 15 * time.Minute},
		{"MQTT 3.1.1, none", 4, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := listen(t, nil)
				w := dialMemory(t, s, tt.version).mustConnect("c", as("d1"), func(pk *packets.Packet) { pk.Connect.Keepalive = tt.asked })
				start := time.Now()
				pk, err := w.receive(100 * time.Hour)
				gone := time.Since(start).Round(time.Second)
				switch {
				case tt.after == 0 && gone != 100*time.Hour:
					t.Errorf("gone after %v", gone)
				case tt.after != 0 && gone != tt.after:
					t.Errorf("gone after %v, want %v", gone, tt.after)
				case tt.after != 0 && tt.version == 5 && (err != nil || pk.ReasonCode != packets.ErrKeepAliveTimeout.Code):
					t.Errorf("was told %#x, %v; want %#x", pk.ReasonCode, err, packets.ErrKeepAliveTimeout.Code)
				}
			})
		})
	}
}

func TestMaxConnections(t *testing.T) {
	s := listen(t, func(o *Options) { o.MaxConnections = 2 })
	dialMemory(t, s, 5).mustConnect("a", as("viewer"))
	b := dialMemory(t, s, 5).mustConnect("b", as("viewer"))
	if got := dialMemory(t, s, 5).connect("c", as("viewer")).ReasonCode; got != 0x89 {
		t.Errorf("MQTT 5: one too many is answered with %#x, want 0x89", got)
	}
	if got := dialMemory(t, s, 4).connect("c", as("viewer")).ReasonCode; got != 3 {
		t.Errorf("MQTT 3.1.1: one too many is answered with %d, want 3", got)
	}
	if n := s.Connections(); n != 2 {
		t.Errorf("there are %d connections, want 2", n)
	}
	// A client that takes its own place is not one more.
	go func() { _, _ = b.receive(patience) }()
	again := dialMemory(t, s, 5).mustConnect("b", as("viewer"))
	_ = again.Close()
	eventually(t, "the place is free", func() bool { return s.Connections() == 1 })
	dialMemory(t, s, 5).mustConnect("c", as("viewer"))
}

// Connections that have not said who they are count too, and get no answer beyond a margin.
func TestConnectionFlood(t *testing.T) {
	s := listen(t, func(o *Options) { o.MaxConnections = 2 })
	for range s.opts.MaxConnections + connectionMargin {
		dialMemory(t, s, 5)
	}
	eventually(t, "all are open", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.conns) == s.opts.MaxConnections+connectionMargin
	})
	dialMemory(t, s, 5).wantEnd()
}

func TestTakeover(t *testing.T) {
	s := listen(t, nil)
	status := device(topics.DeviceStatus, "d1")
	watcher := dialMemory(t, s, 5).mustConnect("watcher", as("viewer"))
	watcher.subscribe("#")
	old := dialMemory(t, s, 5).mustConnect("d1", as("d1"), withWill(status, "offline", true))
	goodbye := make(chan byte, 1)
	go func() {
		pk, _ := old.receive(patience)
		goodbye <- pk.ReasonCode
	}()
	w := dialMemory(t, s, 5).mustConnect("d1", as("d1"), withWill(status, "offline", true))
	if got := <-goodbye; got != packets.ErrSessionTakenOver.Code {
		t.Errorf("the old connection was told %#x, want %#x", got, packets.ErrSessionTakenOver.Code)
	}
	if got := w.publish(status, "online", true); got >= 0x80 {
		t.Fatalf("publish: %#x", got)
	}
	// The will comes first, so that the device is online in the end.
	watcher.wantMessage(status, "offline")
	watcher.wantMessage(status, "online")

	if got := dialMemory(t, s, 5).connect("d1", as("d2")).ReasonCode; got != packets.ErrClientIdentifierNotValid.Code {
		t.Errorf("another device takes the client id: %#x", got)
	}
	w.wantSilence()
}

// Many connections fight for one client id; one has it in the end, and works.
func TestTakeoverStorm(t *testing.T) {
	s := listen(t, nil)
	manager := s.Client("manager")
	defer manager.Close()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				w := dialMemory(t, s, 5)
				if _, err := w.Write(w.encode(connectPacket(5, "same", as("viewer")))); err != nil {
					continue
				}
				_, _ = w.receive(patience)
				_ = w.Close()
			}
		})
	}
	wg.Wait()
	last := dialMemory(t, s, 5).mustConnect("same", as("viewer"))
	last.subscribe("#")
	(&subject{t: t, guarded: s, manager: manager}).publish(group("a"), "x", false)
	last.wantMessage(group("a"), "x")
	if n := s.mqtt.Clients.Len(); n != 1 {
		t.Errorf("mochi knows %d clients, want 1", n)
	}
}

func TestWills(t *testing.T) {
	status := device(topics.DeviceStatus, "d1")
	for _, tt := range []struct {
		name string
		end  func(w *wire)
		want string // "" for none
	}{
		{"connection lost", func(w *wire) { _ = w.Close() }, "offline"},
		{"DISCONNECT", func(w *wire) {
			w.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Disconnect}})
		}, ""},
		{"DISCONNECT with will", func(w *wire) {
			w.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Disconnect}, ReasonCode: 4})
		}, "offline"},
		{"protocol error", func(w *wire) { _, _ = w.Write([]byte{0xff, 0xff}) }, "offline"},
		{"panic", func(w *wire) { _, _ = w.Write([]byte{packets.Subscribe<<4 | 2, 6, 0, 1, 0, 0, 1, 'a'}) }, "offline"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := listen(t, nil)
			watcher := dialMemory(t, s, 5).mustConnect("watcher", as("viewer"))
			watcher.subscribe("#")
			w := dialMemory(t, s, 5).mustConnect("d1", as("d1"), withWill(status, "offline", true), func(pk *packets.Packet) {
				pk.Connect.WillProperties.ContentType = "text/plain"
				pk.Connect.WillProperties.WillDelayInterval = 3600
			})
			tt.end(w)
			eventually(t, "the client is gone", func() bool { return s.Connections() == 1 })
			if tt.want == "" {
				watcher.wantSilence()
				if n := s.Stats().Retained; n != 0 {
					t.Errorf("%d messages are retained", n)
				}
				return
			}
			if pk := watcher.wantMessage(status, tt.want); pk.Properties.ContentType != "text/plain" || pk.FixedHeader.Retain {
				t.Errorf("the will arrived as %+v", pk)
			}
			late := dialMemory(t, s, 5).mustConnect("late", as("viewer"))
			late.subscribe(status)
			late.wantMessage(status, tt.want)
		})
	}
}

// A refusal's reason is logged once, with who and from where, and without the password.
func TestAuthenticateError(t *testing.T) {
	var log logs.Buffer
	s := listen(t, func(o *Options) {
		o.Log = log.Logger()
		o.Authenticate = func(Login) (topics.Subject, error) { return topics.Subject{}, errors.New("the moon is wrong") }
	})
	dialMemory(t, s, 5).connect("who", as("d1"))
	text := log.String()
	if strings.Count(text, "the moon is wrong") != 1 || !strings.Contains(text, "who") || !strings.Contains(text, "remote") {
		t.Errorf("logged %q", text)
	}
	if strings.Contains(text, "secret") {
		t.Error("the password is in the log")
	}
}

// There is no session to come back to, whatever a client asks for.
func TestNoSession(t *testing.T) {
	for _, version := range []byte{5, 4} {
		t.Run(fmt.Sprint("MQTT ", version), func(t *testing.T) {
			s := listen(t, nil)
			keep := func(pk *packets.Packet) {
				pk.Connect.Clean = false
				pk.Properties.SessionExpiryInterval, pk.Properties.SessionExpiryIntervalFlag = 3600, version == 5
			}
			for range 2 {
				w := dialMemory(t, s, version)
				if w.connect("c", as("viewer"), keep).SessionPresent {
					t.Error("a session is present")
				}
				w.subscribe(group("a"))
				w.send(packets.Packet{
					FixedHeader: packets.FixedHeader{Type: packets.Disconnect},
					Properties:  packets.Properties{SessionExpiryInterval: 60, SessionExpiryIntervalFlag: true},
				})
				w.wantEnd() // without a complaint
				eventually(t, "the client is gone", func() bool { return s.Connections() == 0 })
				if n := len(s.mqtt.Topics.Subscribers(group("a")).Subscriptions); n != 0 || s.mqtt.Clients.Len() != 0 {
					t.Errorf("%d subscriptions and %d clients are left", n, s.mqtt.Clients.Len())
				}
			}
		})
	}
}

func TestEmptyPassword(t *testing.T) {
	w := dialMemory(t, listen(t, nil), 5)
	hello := w.encode(connectPacket(5, "c", as("d1"), func(pk *packets.Packet) { pk.Connect.Password = nil }))
	if _, err := w.Write(hello); err != nil {
		t.Fatal(err)
	}
	if got := w.want(packets.Connack).ReasonCode; got != packets.ErrBadUsernameOrPassword.Code {
		t.Errorf("answered with %#x, want %#x", got, packets.ErrBadUsernameOrPassword.Code)
	}
}

func TestReceiveMaximumIsCleared(t *testing.T) {
	s := listen(t, nil)
	dialMemory(t, s, 5).mustConnect("c", as("viewer"), func(pk *packets.Packet) { pk.Properties.ReceiveMaximum = 7 })
	cl, ok := s.mqtt.Clients.Get("c")
	if !ok || cl.Properties.Props.ReceiveMaximum != 0 {
		t.Errorf("mochi knows the client's Receive Maximum")
	}
}

// The will of a CONNECT that mochi refuses is not published.
func TestMalformedConnectWithWill(t *testing.T) {
	s := listen(t, nil)
	w := dialMemory(t, s, 5)
	w.send(connectPacket(5, "c", as("d1"), withWill(device(topics.DeviceStatus, "d1"), "x", true), func(pk *packets.Packet) {
		pk.Connect.ProtocolName = []byte("MQTX")
	}))
	w.want(packets.Connack)
	w.wantEnd()
	eventually(t, "the connection is gone", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.conns) == 0
	})
	if got := s.Stats(); got.Retained != 0 || got.Panics != 0 {
		t.Errorf("stats are %+v, want nothing retained and no panic", got)
	}
}
