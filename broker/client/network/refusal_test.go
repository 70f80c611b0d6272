package network

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/eclipse/paho.golang/packets"

	"muster/broker/client"
)

// What a refusal means is told by its reason code alone, and the connection goes on in any case.
func TestRefusals(t *testing.T) {
	for code, want := range map[byte]error{
		0x80: client.ErrRefused, 0x83: client.ErrRefused, 0x87: client.ErrRefused, 0x90: client.ErrRefused, 0x99: client.ErrRefused,
		0x97: client.ErrBusy, 0x89: client.ErrBusy,
		0x10: nil, // no matching subscribers
	} {
		synctest.Test(t, func(t *testing.T) {
			b := &fakeBroker{}
			c := b.dial(t, Options{})
			defer b.end(c)
			awaitUp(c)
			answered := 0
			b.misbehave(func(conn *fakeConn, p *packets.ControlPacket) bool {
				publish, ok := p.Content.(*packets.Publish)
				if !ok || answered > 0 {
					return false
				}
				answered++
				conn.send(&packets.Puback{PacketID: publish.PacketID, ReasonCode: code, Properties: &packets.Properties{ReasonString: "because"}})
				return true
			})
			err := c.Publish(t.Context(), qos1("x"))
			if !errors.Is(err, want) || want != nil && errors.Is(err, client.ErrRefused) == errors.Is(err, client.ErrBusy) {
				t.Errorf("reason code %#x: %v, want %v and not the other", code, err, want)
			}
			if err := c.Publish(t.Context(), qos1("y")); err != nil || len(b.attempts()) != 1 {
				t.Errorf("after reason code %#x: %v, %d connections", code, err, len(b.attempts()))
			}
		})
	}
}
