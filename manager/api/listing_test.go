package api_test

import (
	"context"
	"sync/atomic"
	"testing"

	"muster/manager/store"
)

// countingStore counts how often all device_groups are read.
type countingStore struct {
	store.Store
	reads *atomic.Int64
}

func (s countingStore) DeviceGroups() store.Documents[store.DeviceGroup] {
	return countingGroups{s.Store.DeviceGroups(), s.reads}
}

type countingGroups struct {
	store.Documents[store.DeviceGroup]
	reads *atomic.Int64
}

func (g countingGroups) All(ctx context.Context) ([]store.DeviceGroup, error) {
	g.reads.Add(1)
	return g.Documents.All(ctx)
}

// A pipeline that changes one app after the other does not have all device_groups read for each, and a change of a
// device_group in between counts at once.
func TestChangesOfAppsShareAReading(t *testing.T) {
	var reads atomic.Int64
	m := newManagerAround(t, countingStore{openStore(t), &reads})
	m.fill()
	for _, image := range []string{"nginx:2", "nginx:3", "nginx:4"} {
		if w := m.do("PUT", "/apps/web/update", `{"docker_image": "`+image+`"}`); w.Code != 202 {
			t.Fatal(w.Code, w.Body)
		}
	}
	if n := reads.Load(); n != 1 {
		t.Errorf("device_groups were read %d times for three changes, want once", n)
	}
	for _, call := range []struct {
		method, path, body string
		want               int
	}{
		{"POST", "/apps/other", `{"docker_image": "i", "starting_ports": [80]}`, 200},
		{"PUT", "/apps/web/update", `{"starting_ports": [80]}`, 202},
		{"POST", "/apps/third", `{"docker_image": "i"}`, 200},
		{"PUT", "/device_groups/fleet/update", `{"apps": ["web", "third"]}`, 202},
		{"PUT", "/apps/third/update", `{"starting_ports": [80]}`, 400}, // web has it
		{"DELETE", "/device_groups/fleet", "", 200},
		{"PUT", "/apps/third/update", `{"starting_ports": [80]}`, 202},
		{"POST", "/device_groups/fleet", `{"apps": ["web"]}`, 200},
		{"POST", "/device_groups/second", `{"apps": ["third"]}`, 200},
		{"PUT", "/device_groups/second/update", `{"apps": ["third", "web"]}`, 400},
	} {
		if w := m.do(call.method, call.path, call.body); w.Code != call.want {
			t.Errorf("%s %s %s: %d %s, want %d", call.method, call.path, call.body, w.Code, w.Body, call.want)
		}
	}
}
