package admin_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"muster/broker/client"
	"muster/manager/api/apitest"
	"muster/topics"
)

// tills are a manager with four devices: one at its config, one behind, one on which an app fails, and one that is offline and behind.
func tills(t *testing.T) *apitest.Server {
	t.Helper()
	server := shops(t)
	v1 := wanted(t)
	muster(t, "restart", "app", "web")
	v2 := wanted(t)
	for i, d := range []topics.Status{
		{State: topics.Online, Version: v2, Phase: topics.PhaseSettled},
		{State: topics.Online, Version: v1, Phase: topics.PhaseSettled},
		{State: topics.Online, Version: v2, Phase: topics.PhaseSettled, Failing: []topics.Failure{{App: "web", Code: topics.ReasonPortTaken, Reason: "80 is taken"}}},
		{State: topics.Offline, Version: v1, Phase: topics.PhaseSettled},
	} {
		say(t, server, fmt.Sprintf("till-%d", i+1), d)
	}
	deadline := time.Now().Add(30 * time.Second)
	for n := server.Devices.Counts(); n.Devices != 4 || n.Online != 3; n = server.Devices.Counts() {
		if time.Now().After(deadline) {
			t.Fatalf("the manager knows of %+v", n)
		}
		time.Sleep(time.Millisecond)
	}
	muster(t, "label", "device", "till-1", "site=north", "floor=2")
	muster(t, "label", "device", "till-2", "site=south")
	return server
}

// say has a device say it over MQTT.
func say(t *testing.T, server *apitest.Server, device string, s topics.Status) {
	t.Helper()
	s.DeviceGroup, s.Session, s.At = "shops", 1, time.Now()
	payload, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	m := client.Message{Topic: topics.DefaultRoot.Topic(topics.DeviceStatus, device), Payload: payload, QoS: 1, Retain: true}
	if err := server.Bus.Publish(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

// wanted is what the devices of shops are to have now.
func wanted(t *testing.T) (v topics.Version) {
	t.Helper()
	if err := json.Unmarshal([]byte(muster(t, "describe", "config", "shops", "-o", "json").stdout), &v); err != nil {
		t.Fatal(err)
	}
	return v
}
