package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
)

// What is sent of each option, and what takes it away again.
var options = []struct{ name, value, gone string }{
	{"command", `["serve", "-v", ""]`, `[]`},
	{"entrypoint", `["/bin/app"]`, `[]`},
	{"user", `"1000:staff"`, `""`},
	{"memory_limit_mb", `64`, `0`},
	{"cpus", `0.25`, `0`},
	{"labels", `{"com.example/a": "1", "b": ""}`, `{}`},
	{"log_max_mb", `10`, `0`},
	{"stop_grace_seconds", `0`, `10`},
	{"read_only", `true`, `false`},
	{"cap_add", `["NET_ADMIN", "cap_sys_time"]`, `[]`},
	{"cap_drop", `["ALL"]`, `[]`},
	{"tmpfs", `["/run:size=16m,mode=1777"]`, `[]`},
	{"extra_hosts", `["till:10.0.0.1", "six:[fd00::1]", "me:host-gateway"]`, `[]`},
}

var appOnlyOptions = []struct{ name, value, gone string }{
	{"restart_policy", `"on-failure"`, `""`},
	{"restart_policy", `"no"`, `"always"`},
	{"healthcheck", `{"test": ["CMD-SHELL", "wget -q localhost"], "interval_seconds": 5, "timeout_seconds": 2, "start_period_seconds": 60, "retries": 2}`, `{}`},
	{"healthcheck", `{"retries": 2}`, `{"test": [], "retries": 0}`},
	{"depends_on", `["idle"]`, `[]`},
}

// Each option is set and taken away by PUT, kept by a PUT of something else, and gone after a POST without it.
func TestOptionsOneByOne(t *testing.T) {
	onEveryStore(t, func(t *testing.T, open opener) {
		m := open.manager(t)
		m.fill()
		for _, o := range append(options, appOnlyOptions...) {
			m.tryOption("/apps/web", "app_id", `{"docker_image": "nginx:1"}`, o.name, o.value, o.gone)
		}
		for _, o := range options {
			m.tryOption("/cron_jobs/nightly", "cron_job_id", `{"docker_image": "backup:1", "schedule": "0 4 * * *"}`, o.name, o.value, o.gone)
		}
	})
}

func (m *manager) tryOption(path, id, required, name, value, gone string) {
	m.t.Helper()
	read := func() map[string]any {
		fields := decode(m.t, m.do("GET", path, "").Body.String()).(map[string]any)
		delete(fields, id)
		return fields
	}
	expect := func(after string, want map[string]any) {
		m.t.Helper()
		if got := read(); fmt.Sprint(got) != fmt.Sprint(want) {
			m.t.Errorf("%s %s: %s:\n got %v\nwant %v", path, name, after, got, want)
		}
	}
	put := func(body string) {
		m.t.Helper()
		if w := m.do("PUT", path+"/update", body); w.Code != 202 {
			m.t.Errorf("PUT %s: %d %s", body, w.Code, w.Body)
		}
	}
	without := read()
	with := maps.Clone(without)
	with[name] = decode(m.t, value)
	put(fmt.Sprintf(`{%q: %s}`, name, value))
	expect("after it was set", with)
	put(`{"privileged": false}`)
	expect("after a change of something else", with)
	put(fmt.Sprintf(`{%q: %s}`, name, gone))
	expect("after it was taken away", without)

	put(fmt.Sprintf(`{%q: %s}`, name, value))
	if w := m.do("PUT", path+"/update", fmt.Sprintf(`{%q: null}`, name)); w.Code != 400 || !strings.Contains(w.Body.String(), "not null") {
		m.t.Errorf("PUT %s null: %d %s, want a refusal", name, w.Code, w.Body)
	}
	expect("after null was refused", with)
	if w := m.do("POST", path+"/update", required); w.Code != 202 {
		m.t.Errorf("POST: %d %s", w.Code, w.Body)
	}
	if _, left := read()[name]; left {
		m.t.Errorf("%s %s is there after a POST without it", path, name)
	}
}

// What clients read they can send back, and get what they had.
func TestAllOptionsTogether(t *testing.T) {
	onEveryStore(t, func(t *testing.T, open opener) {
		m := open.manager(t)
		m.fill()
		body := `{"docker_image": "nginx:1"`
		for _, o := range append(options, appOnlyOptions[0], appOnlyOptions[2], appOnlyOptions[4]) {
			body += fmt.Sprintf(`, %q: %s`, o.name, o.value)
		}
		made := m.do("POST", "/apps/all", body+"}")
		if made.Code != 200 {
			t.Fatalf("POST: %d %s", made.Code, made.Body)
		}
		m.do("POST", "/device_groups/all", `{"apps": ["all", "idle"]}`)
		again := m.do("PUT", "/apps/all/update", made.Body.String())
		wantJSON(t, again, 202, strings.Replace(made.Body.String(), `"app_id":1`, `"app_id":2`, 1))
		wantJSON(t, m.do("GET", "/apps/all", ""), 200, again.Body.String())
		if info := m.do("GET", "/device_groups/all/info", "").Body.String(); !strings.Contains(info, strings.TrimSpace(again.Body.String())) {
			t.Errorf("devices are told %s, want the app in it: %s", info, again.Body)
		}
	})
}

func TestOptionsThatAreRefused(t *testing.T) {
	onEveryStore(t, func(t *testing.T, open opener) {
		m := open.manager(t)
		m.fill()
		for _, tc := range []struct{ option, want string }{
			{`"command": "serve"`, `{"command": "must be a list of strings, not a string"}`},
			{`"command": [1]`, `{"command": "must be a list of strings, not one with a number in it"}`},
			{`"user": 1000`, `{"user": "must be a string, not a number"}`},
			{`"memory_limit_mb": "64m"`, `{"memory_limit_mb": "must be a whole number, not a string"}`},
			{`"memory_limit_mb": 64.5`, `{"memory_limit_mb": "must be a whole number, is 64.5"}`},
			{`"memory_limit_mb": 5`, `{"memory_limit_mb": "must be 6 to 16777216, or 0 for none, is 5"}`},
			{`"cpus": "1"`, `{"cpus": "must be a number, not a string"}`},
			{`"cpus": 1e400`, `{"cpus": "must be a number, is 1e400"}`},
			{`"cpus": 0.0001`, `{"cpus": "must be 0.01 to 1024 with at most three decimals, or 0 for no limit, is 0.0001"}`},
			{`"labels": ["a=1"]`, `{"labels": "must be a dict of strings, not a list"}`},
			{`"labels": {"rack": 7}`, `{"labels.rack": "must be a string, not a number"}`},
			{`"labels": {"rack": null}`, `{"labels.rack": "must be a string, not null"}`},
			{`"labels": {"muster.device": "x"}`, `{"labels.muster.device": "is a label that the worker itself sets"}`},
			{`"stop_grace_seconds": 3601`, `{"stop_grace_seconds": "must be 0 to 3600, is 3601"}`},
			{`"read_only": "yes"`, `{"read_only": "must be true or false, not a string"}`},
			{`"cap_add": ["NET_ADMNI"]`, `{"cap_add": "\"NET_ADMNI\" is no Linux capability; they are such as \"NET_ADMIN\", or \"ALL\""}`},
			{`"cap_drop": ["sys"]`, `{"cap_drop": "\"sys\" is no Linux capability; they are such as \"NET_ADMIN\", or \"ALL\""}`},
			{`"tmpfs": ["run"]`, `{"tmpfs": "must be path[:options] with an absolute path that is not /, such as \"/run:size=16m\", is \"run\""}`},
			{`"tmpfs": ["/tmp"]`, `{"tmpfs": "\"/tmp\" is in volumes as well"}`},
			{`"extra_hosts": ["till"]`, `{"extra_hosts": "must be name:address with an IPv4 or IPv6 address, or \"host-gateway\" for the device's own, is \"till\""}`},
		} {
			for _, path := range []string{"/apps/web/update", "/cron_jobs/nightly/update"} {
				wantJSON(t, m.do("PUT", path, "{"+tc.option+"}"), 400, tc.want)
			}
		}
		for _, tc := range []struct{ option, want string }{
			{`"restart_policy": "never"`, `{"restart_policy": "must be one of always, unless-stopped, on-failure, no, is \"never\""}`},
			{`"restart_policy": false`, `{"restart_policy": "must be a string, not a boolean"}`},
			{`"healthcheck": ["CMD", "x"]`, `{"healthcheck": "must be a dict, not a list"}`},
			{`"healthcheck": {"interval": 5}`, `{"healthcheck.interval": "unknown field"}`},
			{`"healthcheck": {"retries": 1.5}`, `{"healthcheck.retries": "must be a whole number, is 1.5"}`},
			{`"healthcheck": {"test": "true"}`, `{"healthcheck.test": "must be a list of strings, not a string"}`},
			{`"healthcheck": {"retries": -1}`, `{"healthcheck.retries": "must be 0 to 1000, is -1"}`},
			{`"depends_on": "idle"`, `{"depends_on": "must be a list of strings, not a string"}`},
			{`"depends_on": ["web"]`, `{"depends_on": "an app cannot depend on itself"}`},
		} {
			wantJSON(t, m.do("PUT", "/apps/web/update", "{"+tc.option+"}"), 400, tc.want)
			name, _, _ := strings.Cut(strings.TrimPrefix(tc.option, `"`), `"`)
			wantJSON(t, m.do("PUT", "/cron_jobs/nightly/update", "{"+tc.option+"}"), 400, fmt.Sprintf(`{%q: "unknown field"}`, name))
		}
		var web struct {
			AppID int `json:"app_id"`
		}
		if err := json.Unmarshal(m.do("GET", "/apps/web", "").Body.Bytes(), &web); err != nil || web.AppID != 1 {
			t.Errorf("after refusals app_id is %d (%v), want 1", web.AppID, err)
		}
	})
}
