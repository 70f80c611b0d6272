package broker

import (
	"testing"

	mqtt "github.com/mochi-mqtt/server/v2"

	"muster/topics"
)

// BenchmarkACL measures the decision that is made for each PUBLISH and for each delivery.
func BenchmarkACL(b *testing.B) {
	s := listen(b, nil)
	g := &guard{server: s}
	for _, bb := range []struct {
		name     string
		identity topics.Subject
		topic    string
		write    bool
	}{
		{"device publishes its status", topics.Subject{Role: topics.RoleDevice, Name: "device-0001"}, device(topics.DeviceStatus, "device-0001"), true},
		{"device is sent a config", topics.Subject{Role: topics.RoleDevice, Name: "device-0001"}, group("group-0001"), false},
		{"viewer is sent a status", topics.Subject{Role: topics.RoleViewer, Name: ""}, device(topics.DeviceStatus, "device-0001"), false},
	} {
		b.Run(bb.name, func(b *testing.B) {
			cl := &mqtt.Client{}
			cl.Net.Conn = &conn{server: s, identity: bb.identity}
			b.ReportAllocs()
			for b.Loop() {
				if !g.OnACLCheck(cl, bb.topic, bb.write) {
					b.Fatal("refused")
				}
			}
		})
	}
}
