package api_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
)

// Bodies that Nebula would take, or fail on, and that are refused with a word about what is wrong.
func TestStrictBodies(t *testing.T) { onEveryStore(t, testStrictBodies) }

func testStrictBodies(t *testing.T, open opener) {
	shared := open.manager(t) // by those that are refused
	shared.fill()
	image := func(fields string) string { return `{"docker_image": "img", ` + fields + `}` }
	deep := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	for _, tc := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		// The body as a whole.
		{"POST", "/apps/new", ` `, 400, noImage},
		{"POST", "/apps/new", `{"docker_image": "img"`, 400, `{"body": "is not JSON: unexpected end of JSON input (at byte 22)"}`},
		{"POST", "/apps/new", `docker_image=img`, 400, `{"body": "is not JSON: invalid character 'd' looking for beginning of value (at byte 1)"}`},
		{"POST", "/apps/new", `{"docker_image": "img"} {}`, 400, `{"body": "is not JSON: invalid character '{' after top-level value (at byte 25)"}`},
		{"POST", "/apps/new", `[]`, 400, `{"body": "must be an object, not array"}`},
		{"POST", "/apps/new", `null`, 400, `{"body": "must be an object, not null"}`},
		{"POST", "/apps/new", `"x"`, 400, `{"body": "must be an object, not string"}`},
		{"POST", "/apps/new", "{\"docker_image\": \"\xff\"}", 400, `{"body": "must be UTF-8"}`},
		{"POST", "/apps/new", `{"docker_image": "a", "docker_image": "b"}`, 400, `{"body": "has the key \"docker_image\" twice"}`},
		{"POST", "/apps/new", `{"docker_image": "a", "docker\u005fimage": "b"}`, 400, `{"body": "has the key \"docker_image\" twice"}`},
		{"POST", "/apps/new", image(`"env_vars": {"A": "1", "B": "A", "A": "2"}`), 400, `{"body": "has the key \"A\" twice"}`},
		{"POST", "/apps/new", image(`"starting_ports": [{"1": "1"}, {"80": "1", "80": "2"}]`), 400, `{"body": "has the key \"80\" twice"}`},
		{"POST", "/apps/new", image(`"app_id": ` + deep), 400, `{"body": "must not be nested deeper than 32 levels"}`},
		{"PUT", "/apps/web/update", `[]`, 400, `{"body": "must be an object, not array"}`},
		{"POST", "/device_groups/g", `["web"]`, 400, `{"body": "must be an object, not array"}`},
		{"POST", "/device_groups/g", `{"apps": [], "apps": ["web"]}`, 400, `{"body": "has the key \"apps\" twice"}`},
		// What exists comes before what is wrong with the body.
		{"POST", "/apps/web", `{`, 403, appExists},
		{"PUT", "/apps/none/update", `{`, 403, noApp},
		{"POST", "/apps/none/update", `{`, 403, noApp},
		{"POST", "/device_groups/fleet", `{`, 403, groupExists},
		{"POST", "/device_groups/none/update", `{`, 403, noGroup},

		// Fields that are not there to be set.
		{"POST", "/apps/new", image(`"ports": [80]`), 400, `{"ports": "unknown field"}`},
		{"POST", "/apps/new", image(`"z": 1, "b": 2, "Running": true`), 400, `{"Running": "unknown field"}`},
		{"POST", "/apps/new", image(`"": 1`), 400, `{"": "unknown field"}`},
		{"PUT", "/apps/web/update", `{"image": "x"}`, 400, `{"image": "unknown field"}`},
		{"POST", "/device_groups/g", `{"app": ["web"]}`, 400, `{"app": "unknown field"}`},
		{"PUT", "/device_groups/fleet/update", `{"apps_list": ["web"]}`, 400, `{"apps_list": "unknown field"}`},
		// What clients send back as they read it is ignored, whatever it is.
		{"POST", "/apps/new", image(`"app_id": 7, "app_name": "other", "_id": {"$oid": "5c"}`), 200, newApp(`{}`)},
		{"POST", "/apps/web/update", image(`"app_id": null, "app_name": []`), 202, newApp(`{"app_id": 2, "app_name": "web", "env_vars": []}`)},
		{"PUT", "/apps/web/update", webApp(`{"app_id": 99}`), 202, webApp(`{"app_id": 2}`)},
		{"PUT", "/apps/web/update", `{"app_id": 99, "app_name": "web"}`, 400, nothingGiven},
		{"POST", "/device_groups/g", fleet(`{"device_group_id": 9, "prune_id": 9}`), 200, fleet(`{"device_group": "g"}`)},
		{"PUT", "/device_groups/fleet/update", fleet(`{"device_group_id": 9, "prune_id": 9, "_id": 1}`), 202, fleet(`{"device_group_id": 2}`)},

		// Types.
		{"POST", "/apps/new", `{"docker_image": 1}`, 400, `{"docker_image": "must be a string, not a number"}`},
		{"POST", "/apps/new", `{"docker_image": null}`, 400, `{"docker_image": "must be a string, not null"}`},
		{"POST", "/apps/new", image(`"running": "true"`), 400, `{"running": "must be true or false, not a string"}`},
		{"POST", "/apps/new", image(`"running": 1`), 400, `{"running": "must be true or false, not a number"}`},
		{"POST", "/apps/new", image(`"running":   null  `), 400, `{"running": "must be true or false, not null"}`},
		{"POST", "/apps/new", image(`"privileged": []`), 400, `{"privileged": "must be true or false, not a list"}`},
		{"POST", "/apps/new", image(`"rolling_restart": {}`), 400, `{"rolling_restart": "must be true or false, not an object"}`},
		{"POST", "/apps/new", image(`"networks": "nebula"`), 400, `{"networks": "must be a list of strings, not a string"}`},
		{"POST", "/apps/new", image(`"networks": null`), 400, `{"networks": "must be a list of strings, not null"}`},
		{"POST", "/apps/new", image(`"networks": ["nebula", null]`), 400, `{"networks": "must be a list of strings, not one with null in it"}`},
		{"POST", "/apps/new", image(`"volumes": {"/a": "/b"}`), 400, `{"volumes": "must be a list of strings, not an object"}`},
		{"POST", "/apps/new", image(`"devices": [false]`), 400, `{"devices": "must be a list of strings, not one with a boolean in it"}`},
		{"POST", "/apps/new", image(`"starting_ports": null`), 403, invalidPorts},
		{"POST", "/apps/new", image(`"env_vars": null`), 400, `{"env_vars": "must be a dict or an empty list, not null"}`},
		{"POST", "/apps/new", image(`"env_vars": ["A=1"]`), 400, `{"env_vars": "must be a dict of names and values"}`},
		{"POST", "/apps/new", image(`"env_vars": {"A": null}`), 400, `{"env_vars.A": "must be a string, a number, true or false"}`},
		{"POST", "/apps/new", image(`"env_vars": {"A": {}}`), 400, `{"env_vars.A": "must be a string, a number, true or false"}`},
		{"POST", "/apps/new", image(`"containers_per": 1`), 400, `{"containers_per": "must be a dict with one entry and a number, such as {\"server\": 1}"}`},
		{"POST", "/apps/new", image(`"containers_per": {"server": 1, "cpu": 1}`), 400, `{"containers_per": "must be a dict with one entry and a number, such as {\"server\": 1}"}`},
		{"POST", "/apps/new", image(`"containers_per": null`), 400, `{"containers_per": "must be a dict with one entry and a number, such as {\"server\": 1}"}`},
		{"POST", "/apps/new", image(`"containers_per": {"rack": 1}`), 400, `{"containers_per": "must be one of \"server\", \"instance\", \"cpu\", \"memory\" and \"mem\", is \"rack\""}`},
		{"POST", "/apps/new", image(`"containers_per": {"server": 0}`), 400, `{"containers_per.server": "must be above 0 and at most 1000000, is 0"}`},
		{"POST", "/apps/new", image(`"containers_per": {"server": 1.5}`), 400, `{"containers_per.server": "must be a whole number, is 1.5"}`},
		{"POST", "/device_groups/g", `{"apps": [1]}`, 400, `{"apps": "must be a list of strings, not one with a number in it"}`},
		{"POST", "/device_groups/g", `{"cron_jobs": [null]}`, 400, `{"cron_jobs": "must be a list of strings, not one with null in it"}`},

		// Values.
		{"POST", "/apps/new", `{"docker_image": ""}`, 400, `{"docker_image": "must not be empty"}`},
		{"POST", "/apps/new", `{"docker_image": "Nginx"}`, 400, `{"docker_image": "invalid reference format: repository name (library/Nginx) must be lowercase"}`},
		{"POST", "/apps/new", `{"docker_image": "nginx:a b"}`, 400, `{"docker_image": "invalid reference format"}`},
		{"PUT", "/apps/web/update", `{"docker_image": "https://nginx"}`, 400, `{"docker_image": "invalid reference format"}`},
		{"POST", "/apps/new", image(`"networks": ["host", "bridge"]`), 400, `{"networks": "\"host\" must stand alone"}`},
		{"POST", "/apps/new", image(`"volumes": ["/a"]`), 400, `{"volumes": "must be host:container[:ro|rw] with an absolute container path, is \"/a\""}`},
		{"POST", "/apps/new", image(`"devices": ["/dev/a:/dev/b:x"]`), 400, `{"devices": "must be host[:container[:rwm]] with absolute paths, is \"/dev/a:/dev/b:x\""}`},
		{"POST", "/apps/new", image(`"env_vars": {"A=B": "1"}`), 400, `{"env_vars.A=B": "the name must not be empty nor contain '=', and neither part may contain NUL"}`},
		{"POST", "/device_groups/g", `{"apps": ["web", "idle", "web"]}`, 400, `{"apps": "\"web\" is listed twice"}`},
		{"PUT", "/device_groups/fleet/update", `{"apps": ["web", "web"]}`, 400, `{"apps": "\"web\" is listed twice"}`},
		{"POST", "/device_groups/g", `{"apps": ["none", "none"]}`, 403, noApp},
	} {
		name := fmt.Sprintf("%s%s%.60s", tc.method, tc.path, tc.body)
		t.Run(name, func(t *testing.T) {
			m := shared
			if tc.status < 300 {
				m = open.manager(t)
				m.fill()
			}
			wantJSON(t, m.do(tc.method, tc.path, tc.body), tc.status, tc.want)
			if tc.status >= 300 {
				wantJSON(t, m.do("GET", "/apps/web", ""), 200, webApp(`{}`))
				wantJSON(t, m.do("GET", "/device_groups/fleet", ""), 200, fleet(`{}`))
				wantJSON(t, m.do("GET", "/apps", ""), 200, `{"apps": ["idle", "web"]}`)
			}
		})
	}
}

func TestNames(t *testing.T) { onEveryStore(t, testNames) }

func testNames(t *testing.T, open opener) {
	m := open.manager(t)
	m.fill()
	long := strings.Repeat("a", 65)
	const (
		appChars   = `{"invalid_name": "may only contain letters, digits, '_', '-' and '.'"}`
		appStart   = `{"invalid_name": "must start with a letter or digit"}`
		groupChars = `{"invalid_name": "may only contain letters, digits, '_' and '-'"}`
	)
	for _, tc := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "/apps/a_B-c.9", `{"docker_image": "img"}`, 200, newApp(`{"app_name": "a_B-c.9"}`)},
		{"POST", "/apps/" + strings.Repeat("a", 129), `{"docker_image": "img"}`, 400, `{"invalid_name": "must have 1 to 128 characters, has 129"}`},
		{"POST", "/apps/.hidden", `{"docker_image": "img"}`, 400, appStart},
		{"POST", "/apps/-x", ``, 400, appStart},
		{"POST", "/apps/a%20b", ``, 400, appChars},
		{"POST", "/apps/a%2Fb", ``, 400, appChars},
		{"POST", "/apps/a%252Fb", ``, 400, appChars},
		{"POST", "/apps/%C3%A9", ``, 400, appStart},
		{"POST", "/apps/w%65b", `{"docker_image": "img"}`, 403, appExists}, // the same as /apps/web
		{"GET", "/apps/w%65b", ``, 200, webApp(`{}`)},
		{"GET", "/apps/w%2565b", ``, 400, appChars}, // unescaped once
		{"GET", "/apps/a%20b", ``, 400, appChars},
		{"DELETE", "/apps/a%20b", ``, 400, appChars},
		{"PUT", "/apps/a%20b/update", `{"running": true}`, 400, appChars},
		{"POST", "/apps/a%20b/restart", ``, 400, appChars},

		{"POST", "/device_groups/" + long[:64], `{}`, 200, fleet(`{"device_group": "` + long[:64] + `", "apps": []}`)},
		{"POST", "/device_groups/" + long, `{}`, 400, `{"invalid_name": "must have 1 to 64 characters, has 65"}`},
		{"POST", "/device_groups/a.b", `{}`, 400, groupChars},
		{"POST", "/device_groups/a%2F+", ``, 400, groupChars},
		{"GET", "/device_groups/a.b", ``, 400, groupChars},
		{"GET", "/device_groups/a.b/info", ``, 400, groupChars},
		{"DELETE", "/device_groups/a.b", ``, 400, groupChars},
		{"POST", "/device_groups/a.b/update", `{}`, 400, groupChars},
		{"GET", "/device_groups/fl%65et", ``, 200, fleet(`{}`)},
	} {
		t.Run(tc.method+tc.path, func(t *testing.T) {
			wantJSON(t, m.do(tc.method, tc.path, tc.body), tc.status, tc.want)
		})
	}
}

func TestBodyLimits(t *testing.T) { onEveryStore(t, testBodyLimits) }

func testBodyLimits(t *testing.T, open opener) {
	m := open.manager(t)
	m.fill()
	tooLarge := `{"docker_image": "img", "app_id": "` + strings.Repeat("x", 1<<20) + `"}`
	wantJSON(t, m.do("POST", "/apps/new", tooLarge), 400, `{"body": "must not be larger than 1048576 bytes"}`)

	r := httptest.NewRequest("POST", "/api/v2/apps/new", brokenReader{})
	r.SetBasicAuth(user, password)
	wantJSON(t, m.serve(r), 400, `{"body": "ended before it was complete"}`)

	atLimit := `{"docker_image": "img", "app_id": "` + strings.Repeat("x", 1<<20-37) + `"}`
	if len(atLimit) != 1<<20 {
		t.Fatalf("the body has %d bytes", len(atLimit))
	}
	wantJSON(t, m.do("POST", "/apps/new", atLimit), 200, newApp(`{}`))
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, fmt.Errorf("connection reset by 10.1.2.3") }
