package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"muster/topics"
)

// info reads what a device_group's devices are told.
func (m *manager) info(group string) topics.Config {
	m.t.Helper()
	w := m.do("GET", "/device_groups/"+group+"/info", "")
	if w.Code != 200 {
		m.t.Fatalf("info of %s: status %d, %s", group, w.Code, w.Body)
	}
	config, err := topics.ParseConfig(w.Body.Bytes())
	if err != nil {
		m.t.Fatalf("info of %s is not what devices get: %v", group, err)
	}
	return config
}

// follows checks that a change is in the config of fleet at once.
func (m *manager) follows(method, path, body string, want func(topics.Config) bool) {
	m.t.Helper()
	before := m.info("fleet")
	if w := m.do(method, path, body); w.Code >= 300 {
		m.t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	after := m.info("fleet")
	if !want(after) {
		m.t.Errorf("%s %s: not seen in %+v", method, path, after)
	}
	if !after.Newer(before.Version) {
		m.t.Errorf("%s %s: version %v after %v", method, path, after.Version, before.Version)
	}
}

func TestInfo(t *testing.T) { onEveryStore(t, testInfo) }

func testInfo(t *testing.T, open opener) {
	m := open.manager(t)
	m.fill()
	w := m.do("GET", "/device_groups/fleet/info", "")
	var got map[string]json.RawMessage
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]string{
		"apps": "[" + webApp(`{}`) + "]", "apps_list": `["web"]`, "prune_id": `1`,
		"cron_jobs": `[]`, "cron_jobs_list": `[]`, "device_group_id": `1`,
	} {
		if fmt.Sprint(decode(t, string(got[field]))) != fmt.Sprint(decode(t, want)) {
			t.Errorf("%s is %s, want %s", field, got[field], want)
		}
	}
	m.info("fleet")
}

// Whoever makes a change sees it in the next answer, whatever is cached.
func TestInfoFollowsEveryChange(t *testing.T) { onEveryStore(t, testInfoFollowsEveryChange) }

func testInfoFollowsEveryChange(t *testing.T, open opener) {
	m := open.manager(t)
	m.fill()
	for _, tc := range []struct {
		method, path, body string
		want               func(topics.Config) bool
	}{
		{"PUT", "/apps/web/update", `{"docker_image": "nginx:2"}`, func(c topics.Config) bool { return c.Apps[0].DockerImage == "nginx:2" && c.Apps[0].AppID == 2 }},
		{"POST", "/apps/web/stop", ``, func(c topics.Config) bool { return !c.Apps[0].Running }},
		{"POST", "/apps/web/start", ``, func(c topics.Config) bool { return c.Apps[0].Running }},
		{"POST", "/apps/web/restart", ``, func(c topics.Config) bool { return c.Apps[0].AppID == 5 }},
		{"POST", "/apps/web/update", `{"docker_image": "nginx:3"}`, func(c topics.Config) bool { return c.Apps[0].DockerImage == "nginx:3" }},
		{"POST", "/device_groups/fleet/update", `{"apps": ["web", "idle"]}`, func(c topics.Config) bool { return len(c.AppsList) == 2 && c.DeviceGroupID == 2 }},
		{"DELETE", "/apps/web", ``, func(c topics.Config) bool { return len(c.Apps) == 1 && c.AppsList[0] == "idle" }},
		// The group still lists web, so a new one is in it at once.
		{"POST", "/apps/web", `{"docker_image": "nginx:4"}`, func(c topics.Config) bool { return len(c.Apps) == 2 && c.Apps[0].AppID == 1 }},
	} {
		m.follows(tc.method, tc.path, tc.body, tc.want)
	}
	m.do("DELETE", "/device_groups/fleet", "")
	wantJSON(t, m.do("GET", "/device_groups/fleet/info", ""), 403, noGroup)
}

// A change after which a device_group could have no config is refused, and changes nothing.
func TestConfigLimit(t *testing.T) { onEveryStore(t, testConfigLimit) }

func testConfigLimit(t *testing.T, open opener) {
	m := open.manager(t)
	m.fill()
	big := fmt.Sprintf(`{"docker_image": "img", "env_vars": {"BIG": "%s"}}`, strings.Repeat("x", 40<<10))
	huge := fmt.Sprintf(`{"docker_image": "img", "env_vars": {"BIG": "%s"}}`, strings.Repeat("x", 70<<10))
	if w := m.do("POST", "/apps/big", big); w.Code != 200 {
		t.Fatalf("an app that is in no device_group: %d %s", w.Code, w.Body)
	}

	refused := func(method, path, body string) {
		t.Helper()
		poked := len(m.changedBy())
		before := m.do("GET", "/device_groups/fleet/info", "").Body.String()
		w := m.do(method, path, body)
		var got struct{ Config string }
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 400 || !strings.Contains(got.Config, "at most 65024 are allowed") {
			t.Errorf("%s %s: %d %.200s, want 400 with why", method, path, w.Code, w.Body)
		}
		if after := m.do("GET", "/device_groups/fleet/info", "").Body.String(); after != before || len(m.changedBy()) != poked {
			t.Errorf("%s %s was refused but changed something", method, path)
		}
	}
	refused("PUT", "/apps/web/update", huge)
	refused("POST", "/apps/web/update", huge)
	if w := m.do("PUT", "/device_groups/fleet/update", `{"apps": ["web", "big"]}`); w.Code != 202 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	refused("PUT", "/apps/web/update", big)
	wantJSON(t, m.do("GET", "/apps/web", ""), 200, webApp(`{}`))

	// As a new app of a name that the group still lists.
	m.do("DELETE", "/apps/web", "")
	refused("POST", "/apps/web", big)
	wantJSON(t, m.do("GET", "/apps/web", ""), 403, noApp)

	m.do("POST", "/apps/big2", big)
	refused("POST", "/device_groups/fleet/update", `{"apps": ["big", "big2"]}`)
	refused("POST", "/device_groups/new", `{"apps": ["big", "big2"]}`)
	wantJSON(t, m.do("GET", "/device_groups/new", ""), 403, noGroup)
}
