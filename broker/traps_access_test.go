package broker

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"muster/topics"
)

// What one hook denies, another may allow: no second hook can take a right away.
func TestTrapHooksAreORed(t *testing.T) {
	both := setup{hooks: func() []mqtt.Hook { return []mqtt.Hook{&allow{}, &allow{denyWrites: true}} }}
	compare(t, both, func(s *subject) (denied bool) {
		w := s.dial(5).mustConnect("w", as("d1"))
		return w.publish(device(topics.DeviceStatus, "d2"), "{}", true) >= 0x80
	}, false, true)
}

// A will needs no right to publish, not even to the broker's own topics.
func TestTrapWillBypassesAccess(t *testing.T) {
	for _, topic := range []string{group("a"), device(topics.DeviceStatus, "d2"), "$SYS/forged"} {
		t.Run(topic, func(t *testing.T) {
			deny := setup{hooks: func() []mqtt.Hook { return []mqtt.Hook{&allow{denyWrites: true}} }}
			compare(t, deny, func(s *subject) (published bool) {
				w := s.dial(5)
				w.connect("w", as("d1"), withWill(topic, "forged", true))
				_ = w.Close()
				synctest.Wait()
				time.Sleep(time.Second)
				if s.guarded != nil {
					return s.guarded.retained.get(topic, time.Now()) != nil
				}
				m, ok := s.mochi.Topics.Retained.Get(topic)
				return ok && string(m.Payload) == "forged"
			}, true, false)
		})
	}
}

// mochi logs the packets that it does not like, with what is in them.
func TestTrapPasswordsInLog(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	logged := setup{
		mochi:   func(o *mqtt.Options) { o.Logger = logger },
		guarded: func(o *Options) { o.Log = logger },
	}
	compare(t, logged, func(s *subject) (leaked bool) {
		log.Reset()
		w := s.dial(5)
		first := connectPacket(5, "w", as("manager"))
		w.send(first)
		w.want(packets.Connack)
		w.send(first) // a second CONNECT is an error
		w.want(packets.Disconnect)
		refused := s.dial(5)
		refused.connect("r", as("manager"), func(pk *packets.Packet) { pk.Connect.Password = []byte("secret-but-wrong") })
		_ = refused.Close()
		synctest.Wait()
		text := log.String()
		return strings.Contains(text, "secret") || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte("secret")))
	}, true, false)
}
