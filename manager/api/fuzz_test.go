package api_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// Whatever the body is, the answer is JSON, and what is wrong is never our fault.
func FuzzBody(f *testing.F) {
	for _, body := range []string{
		"", " ", "{}", "null", "[]", `{"docker_image": "img"}`, fullApp, fullJob, `{"apps": ["web"], "cron_jobs": []}`,
		`{"apps": [1, null, {"a": []}], "apps": 2}`, `{"docker_image": "img", "starting_ports": [{"80": 90}, 1e3, "x"]}`,
		`{"docker_image": "img", "containers_per": {"cpu": 1e400}}`, `{"docker_image":"img","env_vars":{"\ud800":"\u0000"}}`,
		`{"docker_image": "img", "": {"": {"": 1, "": 2}}}`, "{\"\xff\": 1}", `{"a":` + strings.Repeat("[", 100),
	} {
		f.Add(body)
	}
	m := newManager(f)
	m.fill()
	m.do("PUT", "/device_groups/fleet/update", `{"cron_jobs": ["nightly"]}`)
	f.Fuzz(func(t *testing.T, body string) {
		for _, rt := range [][2]string{
			{"POST", "/apps/new"}, {"POST", "/apps/web/update"}, {"PUT", "/apps/web/update"},
			{"POST", "/cron_jobs/new"}, {"POST", "/cron_jobs/nightly/update"}, {"PATCH", "/cron_jobs/nightly/update"},
			{"POST", "/device_groups/new"}, {"POST", "/device_groups/fleet/update"}, {"PATCH", "/device_groups/fleet/update"},
		} {
			w := m.do(rt[0], rt[1], body)
			if w.Code >= 500 || !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s %s: %d %q", rt[0], rt[1], w.Code, w.Body)
			}
		}
		// Whatever was accepted can be read, and can be told to devices.
		for _, path := range []string{"/apps/web", "/cron_jobs/nightly", "/device_groups/fleet", "/device_groups/fleet/info"} {
			if w := m.do("GET", path, ""); w.Code != 200 {
				t.Errorf("GET %s: %d %s", path, w.Code, w.Body)
			}
		}
		m.do("DELETE", "/apps/new", "")
		m.do("DELETE", "/cron_jobs/new", "")
		m.do("DELETE", "/device_groups/new", "")
	})
}
