package api_test

import (
	"fmt"
	"testing"

	"muster/manager/store"
	"muster/topics"
)

// The host ports of an app by itself: container n takes host port + n.
func TestPortsOfAnApp(t *testing.T) {
	above := func(first, containers, last int) string {
		return fmt.Sprintf(`{"starting_ports": "host port %d and %d containers would need host port %d, the last one is 65535"}`, first, containers, last)
	}
	twice := func(port int) string {
		return fmt.Sprintf(`{"starting_ports": "host port %d would be taken twice, container n of an app takes the host port + n"}`, port)
	}
	m := newManager(t)
	for i, tc := range []struct{ fields, refused string }{
		{`"starting_ports": [65535]`, ``},
		{`"starting_ports": [65534], "containers_per": {"server": 2}`, ``},
		{`"starting_ports": [65535], "containers_per": {"server": 2}`, above(65535, 2, 65536)},
		{`"starting_ports": [80, {"65530": "80"}], "containers_per": {"instance": 10}`, above(65530, 10, 65539)},
		{`"starting_ports": [1], "containers_per": {"server": 1000000}`, above(1, 1000000, 1000000)},
		{`"starting_ports": [{"80": "65535"}], "containers_per": {"server": 9}`, ``}, // container ports do not move
		{`"starting_ports": [65535], "containers_per": {"cpu": 1.9}`, ``},
		{`"starting_ports": [65535], "containers_per": {"cpu": 2}`, above(65535, 2, 65536)}, // on one core
		{`"starting_ports": [65535], "containers_per": {"cpu": 0.5}`, ``},
		{`"starting_ports": [65535], "containers_per": {"mem": 1}`, ``},
		{`"starting_ports": [80, 80]`, twice(80)},
		{`"starting_ports": [80, {"80": "81"}], "containers_per": {"memory": 512}`, twice(80)},
		{`"starting_ports": [80, 81], "containers_per": {"server": 2}`, twice(81)},
		{`"starting_ports": [81, 80], "containers_per": {"server": 2}`, twice(81)},
		{`"starting_ports": [80, 82], "containers_per": {"server": 2}`, ``},
		{`"starting_ports": [80, 80], "running": false`, twice(80)},
		{`"starting_ports": [80, 80], "networks": ["host"]`, ``}, // which publishes no ports
		{`"starting_ports": [65535], "networks": ["none"], "containers_per": {"server": 2}`, ``},
	} {
		path, body := fmt.Sprintf("/apps/app-%d", i), `{"docker_image": "img", `+tc.fields+`}`
		if w := m.do("POST", path, body); tc.refused != "" {
			wantJSON(t, w, 400, tc.refused)
		} else if w.Code != 200 {
			t.Errorf("%s: %d %s", tc.fields, w.Code, w.Body)
		}
		m.do("POST", path, `{"docker_image": "img"}`)
		if w := m.do("PUT", path+"/update", `{`+tc.fields+`}`); tc.refused != "" {
			wantJSON(t, w, 400, tc.refused)
		} else if w.Code != 202 {
			t.Errorf("%s: %d %s", tc.fields, w.Code, w.Body)
		}
	}
}

// The host ports of the apps of a device_group. The rows are made one after the other: a and b want 80, c
// wants 90 to 92, fleet has none of them at first.
func TestPortsOfADeviceGroup(t *testing.T) { onEveryStore(t, testPortsOfADeviceGroup) }

func testPortsOfADeviceGroup(t *testing.T, open opener) {
	m := open.manager(t)
	m.fill()
	for app, fields := range map[string]string{
		"a": `"starting_ports": [80]`, "b": `"starting_ports": [70, {"80": "8080"}]`, "c": `"starting_ports": [90], "containers_per": {"server": 3}`,
	} {
		if w := m.do("POST", "/apps/"+app, `{"docker_image": "img", `+fields+`}`); w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	clash := func(port int, a, b string) string {
		return fmt.Sprintf(`{"starting_ports": "host port %d of device_group \"fleet\" would be taken by the apps \"%s\" and \"%s\""}`, port, a, b)
	}
	const fleetList, refused = "/device_groups/fleet/update", 400
	for _, tc := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"PUT", fleetList, `{"apps": ["a", "b"]}`, refused, clash(80, "a", "b")},
		{"POST", fleetList, `{"apps": ["b", "c", "a"]}`, refused, clash(80, "a", "b")},
		{"PUT", fleetList, `{"apps": ["a", "c"]}`, 202, ``},
		{"PUT", fleetList, `{"apps": ["a", "c", "b"]}`, refused, clash(80, "a", "b")},
		{"POST", "/device_groups/other", `{"apps": ["b"]}`, 200, ``}, // on other devices

		{"PUT", "/apps/a/update", `{"starting_ports": [92]}`, refused, clash(92, "a", "c")},
		{"PUT", "/apps/a/update", `{"starting_ports": [93]}`, 202, ``},
		{"PUT", "/apps/c/update", `{"containers_per": {"server": 4}}`, refused, clash(93, "a", "c")},
		{"PUT", "/apps/c/update", `{"containers_per": {"server": 4}, "networks": ["host"]}`, 202, ``},
		{"PUT", "/apps/c/update", `{"networks": ["bridge"]}`, refused, clash(93, "a", "c")},

		// What does not run takes no ports; to start it is a change like any other.
		{"PUT", "/apps/c/update", `{"networks": ["bridge"], "running": false}`, 202, ``},
		{"POST", "/apps/c/start", ``, refused, clash(93, "a", "c")},
		{"POST", "/apps/a/stop", ``, 202, ``},
		{"POST", "/apps/c/start", ``, 202, ``},
		{"POST", "/apps/a/start", ``, refused, clash(93, "a", "c")},
		{"POST", "/apps/c/stop", ``, 202, ``},
		{"POST", "/apps/a/start", ``, 202, ``},

		// A new app of a name that the group still lists.
		{"DELETE", "/apps/c", ``, 200, ``},
		{"POST", "/apps/c", `{"docker_image": "img", "starting_ports": [{"93": "80"}]}`, refused, clash(93, "a", "c")},
		{"POST", "/apps/c", `{"docker_image": "img", "starting_ports": [94]}`, 200, ``},
	} {
		w := m.do(tc.method, tc.path, tc.body)
		if tc.status == refused {
			wantJSON(t, w, refused, tc.want)
		} else if w.Code != tc.status {
			t.Errorf("%s %s %s: %d %s", tc.method, tc.path, tc.body, w.Code, w.Body)
		}
	}
}

// A database that was taken over with clashes can be repaired step by step, and what the clash is not about
// can be changed meanwhile.
func TestPortsThatClashAlready(t *testing.T) {
	m := newManager(t)
	m.fill()
	names := []string{"a", "b", "c"}
	for _, name := range names {
		app := topics.NewApp(name, "img")
		app.StartingPorts = topics.Ports{{Host: 80, Container: 80}}
		if err := m.store.Apps().Create(t.Context(), app); err != nil {
			t.Fatal(err)
		}
	}
	_, err := m.store.DeviceGroups().Modify(t.Context(), "fleet", func(g *store.DeviceGroup) error { g.Apps = append(names, "web"); return nil })
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		method, path, body string
		status             int
	}{
		{"PUT", "/apps/web/update", `{"starting_ports": [81]}`, 202},
		{"PUT", "/cron_jobs/nightly/update", `{"running": false}`, 202},
		{"PUT", "/device_groups/fleet/update", `{"cron_jobs": ["nightly"]}`, 202},
		{"PUT", "/device_groups/fleet/update", `{"apps": ["idle", "web", "c", "b", "a"]}`, 202},
		{"POST", "/device_groups/fleet/prune", ``, 202},
		{"PUT", "/apps/a/update", `{"docker_image": "newer"}`, 202}, // the ports stay what they are
		{"POST", "/apps/a/restart", ``, 202},
		{"PUT", "/apps/a/update", `{"containers_per": {"server": 2}}`, 400},
		{"PUT", "/apps/a/update", `{"starting_ports": [80, 90]}`, 400},
		{"POST", "/apps/b/stop", ``, 202},
		{"PUT", "/device_groups/fleet/update", `{"apps": ["web", "c", "a"]}`, 202},
		{"PUT", "/apps/a/update", `{"starting_ports": [82]}`, 202},
		{"PUT", "/apps/a/update", `{"docker_image": "new"}`, 202},
	} {
		if w := m.do(tc.method, tc.path, tc.body); w.Code != tc.status {
			t.Errorf("%s %s %s: %d %s, want %d", tc.method, tc.path, tc.body, w.Code, w.Body, tc.status)
		}
	}
}
