package main

import (
	"testing"

	"muster/test/rig"
)

// The session's name is what is given, or follows from what the bridge takes.
func TestSessionNames(t *testing.T) {
	for want, f := range map[string]sourceFlags{
		"bridge":        {},
		"given":         {name: "given", part: "2/3"},
		"bridge-2-of-3": {part: "2/3"},
		"spool":         {share: "s"}, // each with the share needs one of its own
	} {
		got, err := f.options(bridgeName, "spool")
		if err != nil || got.Name != want || got.Instance != "spool" {
			t.Errorf("%+v: %+v, %v, want the name %s", f, got, err, want)
		}
	}
}

// Managers that are called the same do not take each other's bridge for their own, and its session with it.
func TestBridgesOfManagersWithOneName(t *testing.T) {
	b := rig.Mosquitto(t, rig.MosquittoOptions{})
	startServing(t, "--broker-url", b.URL(), "--manager-name=one").awaitValue(1, "muster_bridge_source_connected")
	startServing(t, "--broker-url", b.URL(), "--manager-name=one").awaitValue(1, "muster_bridge_source_standby")
}
