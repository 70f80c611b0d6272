package api_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// Documents that another program spoiled are named where they are asked for, can be deleted, and hinder
// nothing else.
func TestUnreadableDocuments(t *testing.T) { onEveryStore(t, testUnreadableDocuments) }

func testUnreadableDocuments(t *testing.T, open opener) {
	m := open.manager(t)
	m.fill()
	spoil := func(plural, name, doc string) {
		t.Helper()
		if err := m.plant(t.Context(), plural, name, doc); err != nil {
			t.Fatal(err)
		}
	}
	names := func(method, path, body, what string) {
		t.Helper()
		w := m.do(method, path, body)
		var got struct {
			Error     string `json:"error"`
			RequestID string `json:"request_id"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 500 || !strings.HasPrefix(got.Error, what+" cannot be read: ") || got.RequestID == "" {
			t.Errorf("%s %s: %d %s, want 500 and what is wrong with %s", method, path, w.Code, w.Body, what)
		}
	}
	m.do("POST", "/apps/spoiled", `{"docker_image": "img"}`)
	m.do("PUT", "/device_groups/fleet/update", `{"apps": ["web", "spoiled"], "cron_jobs": ["nightly"]}`)
	m.do("POST", "/device_groups/lost", `{}`)
	m.do("POST", "/device_groups/other", `{"apps": ["web"]}`)

	const app, job, group = `app "spoiled"`, `cron_job "nightly"`, `device_group "lost"`
	spoil("apps", "spoiled", `{"app_name": "spoiled", "app_id": 1, "docker_image": "img", "containers_per": {"server": "lots"}}`)
	spoil("cron_jobs", "nightly", `{"cron_job_name": "nightly", "cron_job_id": "one"}`)
	spoil("device_groups", "lost", `{"device_group": "lost", "apps": "web"}`)

	names("GET", "/apps/spoiled", ``, app)
	names("POST", "/apps/spoiled/update", `{"docker_image": "img"}`, app)
	names("PUT", "/apps/spoiled/update", `{"docker_image": "img"}`, app)
	names("POST", "/apps/spoiled/restart", ``, app)
	names("GET", "/cron_jobs/nightly", ``, job)
	names("PATCH", "/cron_jobs/nightly/update", `{"running": true}`, job)
	names("GET", "/device_groups/lost", ``, group)
	names("GET", "/device_groups/lost/info", ``, group)
	names("PUT", "/device_groups/lost/update", `{"apps": []}`, group)
	names("GET", "/device_groups/fleet/info", ``, app)
	names("POST", "/device_groups/new", `{"apps": ["web", "spoiled"]}`, app)
	names("PUT", "/device_groups/other/update", `{"cron_jobs": ["nightly"]}`, job)
	if log := m.log.String(); !strings.Contains(log, `app \"spoiled\" cannot be read`) {
		t.Errorf("the log does not name it:\n%s", log)
	}

	// They are there, and nothing else is hindered.
	wantJSON(t, m.do("POST", "/apps/spoiled", `{"docker_image": "img"}`), 403, appExists)
	wantJSON(t, m.do("POST", "/device_groups/lost", `{}`), 403, groupExists)
	wantJSON(t, m.do("GET", "/apps", ""), 200, `{"apps": ["idle", "spoiled", "web"]}`)
	wantJSON(t, m.do("GET", "/cron_jobs", ""), 200, `{"cron_jobs": ["nightly"]}`)
	wantJSON(t, m.do("GET", "/device_groups", ""), 200, `{"device_groups": ["fleet", "lost", "other"]}`)
	wantJSON(t, m.do("PUT", "/apps/web/update", `{"docker_image": "nginx:2"}`), 202, webApp(`{"app_id": 2, "docker_image": "nginx:2"}`))
	if c := m.info("other"); c.Apps[0].DockerImage != "nginx:2" {
		t.Errorf("another group got %+v", c.Apps)
	}

	// The way out: take it off the list, or delete it.
	wantJSON(t, m.do("PUT", "/device_groups/fleet/update", `{"cron_jobs": [], "apps": ["web"]}`), 202, fleet(`{"device_group_id": 3}`))
	m.info("fleet")
	for _, path := range []string{"/apps/spoiled", "/cron_jobs/nightly", "/device_groups/lost"} {
		wantJSON(t, m.do("DELETE", path, ""), 200, `{}`)
	}
	wantJSON(t, m.do("GET", "/apps", ""), 200, `{"apps": ["idle", "web"]}`)
	wantJSON(t, m.do("POST", "/apps/spoiled", `{"docker_image": "img"}`), 200, newApp(`{"app_name": "spoiled"}`))
}
