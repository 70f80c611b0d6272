package api_test

import (
	"testing"

	"muster/manager/store"
	"muster/topics"
)

// A database that was taken over may hold device_groups of which no config can be made. They keep nobody from
// changing what they list, can be changed themselves, and can be repaired step by step.
func TestDeviceGroupsWithoutAConfig(t *testing.T) { onEveryStore(t, testDeviceGroupsWithoutAConfig) }

func testDeviceGroupsWithoutAConfig(t *testing.T, open opener) {
	m := open.manager(t)
	m.fill()
	for _, networks := range [][]string{{"host", "bridge"}, {"nebula", ""}} {
		app := topics.NewApp("bad-"+networks[0], "img")
		app.Networks = networks
		if err := m.store.Apps().Create(t.Context(), app); err != nil {
			t.Fatal(err)
		}
	}
	for group, apps := range map[string][]string{
		"a.b": {"web"}, "my group": {"web"}, "twice": {"web", "web"}, "bad": {"web", "bad-host", "bad-nebula"},
	} {
		doc := store.DeviceGroup{DeviceGroup: group, DeviceGroupID: 1, PruneID: 1, Apps: apps, CronJobs: []string{"nightly"}}
		if err := m.store.DeviceGroups().Create(t.Context(), doc); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		method, path, body string
		status             int
	}{
		{"PUT", "/apps/web/update", `{"docker_image": "nginx:2"}`, 202},
		{"POST", "/apps/web/restart", ``, 202},
		{"PUT", "/cron_jobs/nightly/update", `{"running": false}`, 202},
		{"POST", "/device_groups/a.b/prune", ``, 202},
		{"PUT", "/device_groups/a.b/update", `{"apps": ["idle"]}`, 202},
		{"PUT", "/device_groups/a.b/update", `{"apps": ["none"]}`, 403},
		{"POST", "/device_groups/my%20group/update", `{}`, 202},
		{"PUT", "/device_groups/twice/update", `{"cron_jobs": []}`, 202},
		{"POST", "/apps/bad-host/stop", ``, 202},

		{"GET", "/device_groups/twice/info", ``, 400},
		{"PUT", "/device_groups/twice/update", `{"apps": ["web"]}`, 202},
		{"GET", "/device_groups/twice/info", ``, 200},
		{"GET", "/device_groups/bad/info", ``, 400},
		{"PUT", "/apps/bad-host/update", `{"networks": ["host"]}`, 202},
		{"GET", "/device_groups/bad/info", ``, 400},
		{"PUT", "/apps/bad-nebula/update", `{"networks": ["nebula"]}`, 202},
		{"GET", "/device_groups/bad/info", ``, 200},

		{"POST", "/device_groups/c.d", `{}`, 400}, // none is made anew
		{"DELETE", "/device_groups/a.b", ``, 200},
	} {
		if w := m.do(tc.method, tc.path, tc.body); w.Code != tc.status {
			t.Errorf("%s %s %s: %d %s, want %d", tc.method, tc.path, tc.body, w.Code, w.Body, tc.status)
		}
	}
	if c := m.info("fleet"); len(c.Apps) != 1 || c.Apps[0].DockerImage != "nginx:2" || c.Apps[0].AppID != 3 {
		t.Errorf("a device_group that has a config got %+v", c.Apps)
	}
}
