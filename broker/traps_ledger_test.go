package broker

import (
	"testing"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"

	"muster/topics"
)

// mochi's access list lets a filter admit what is below it, and whatever no rule speaks of. The guard does not
// link it; its decision allows neither.
func TestTrapACLLedger(t *testing.T) {
	status := device(topics.DeviceStatus, "d1")
	ledger := auth.Ledger{ACL: auth.ACLRules{{
		Client: "d1", Filters: auth.Filters{auth.RString(status): auth.ReadWrite},
	}}}
	alone := &mqtt.Client{ID: "d1"}
	guarded := &guard{server: &Server{opts: Options{Root: topics.DefaultRoot}}}
	known := &conn{server: guarded.server, client: alone, identity: topics.Subject{Role: topics.RoleDevice, Name: "d1"}}
	for _, tc := range []struct {
		topic                string
		mochiAllows, weAllow bool
	}{
		{status, true, true},
		{status + "/deeper", true, false},
		{"a/topic/without/a/rule", true, false},
		{group("a"), true, false},
	} {
		if _, ok := ledger.ACLOk(alone, tc.topic, true); ok != tc.mochiAllows {
			t.Errorf("mochi's ledger allows publishing to %s: %v, want %v: the trap is gone", tc.topic, ok, tc.mochiAllows)
		}
		if ok := guarded.mayPublish(known, tc.topic); ok != tc.weAllow {
			t.Errorf("the guard allows publishing to %s: %v, want %v", tc.topic, ok, tc.weAllow)
		}
	}
}
