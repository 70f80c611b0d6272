package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"muster/manager/api"
	"muster/manager/store"
)

const notAllowed = `{"access_allowed": false}`

// everything is every right that there is, but for being an admin.
func everything() store.UserGroup {
	rw := func(names ...string) map[string]store.Right {
		rights := map[string]store.Right{}
		for _, name := range names {
			rights[name] = store.ReadWrite
		}
		return rights
	}
	return store.UserGroup{
		UserGroup: "rights", GroupMembers: []string{"some"}, PruningAllowed: true,
		Apps: rw("web", "other"), DeviceGroups: rw("fleet", "other"), CronJobs: rw("nightly", "other"),
	}
}

func nothing() store.UserGroup {
	g := everything()
	g.PruningAllowed, g.Apps, g.DeviceGroups, g.CronJobs = false, nil, nil, nil
	return g
}

// A requirement is what the caller of a path must have.
type requirement struct {
	// grant gives just that, and withhold takes it from everything. Without either any login will do.
	grant, withhold func(*store.UserGroup)
}

func right(in func(*store.UserGroup) *map[string]store.Right, name string, want store.Right) requirement {
	return requirement{
		grant: func(g *store.UserGroup) { *in(g) = map[string]store.Right{name: want} },
		withhold: func(g *store.UserGroup) {
			if delete(*in(g), name); want == store.ReadWrite {
				(*in(g))[name] = store.ReadOnly
			}
		},
	}
}

// requirements says of every path what it needs, apart from the router.
func requirements() map[string]requirement {
	apps := func(g *store.UserGroup) *map[string]store.Right { return &g.Apps }
	groups := func(g *store.UserGroup) *map[string]store.Right { return &g.DeviceGroups }
	cronJobs := func(g *store.UserGroup) *map[string]store.Right { return &g.CronJobs }
	admin := requirement{grant: func(g *store.UserGroup) { g.Admin = true }, withhold: func(*store.UserGroup) {}}
	pruning := requirement{
		grant:    func(g *store.UserGroup) { g.PruningAllowed = true },
		withhold: func(g *store.UserGroup) { g.PruningAllowed = false },
	}
	all := map[string]requirement{}
	for methods, needs := range map[string]requirement{
		"GET /status, GET /apps, GET /device_groups, GET /cron_jobs, GET /users, GET /user_groups, GET /reports, " +
			"GET /docs, GET /docs/{file}, GET /openapi.json, GET /devices, GET /authorities/crl": {},

		"GET /apps/{app}": right(apps, "web", store.ReadOnly),
		"POST /apps/{app}, DELETE /apps/{app}, POST /apps/{app}/update, PUT /apps/{app}/update, PATCH /apps/{app}/update, " +
			"POST /apps/{app}/restart, POST /apps/{app}/start, POST /apps/{app}/stop": right(apps, "web", store.ReadWrite),

		"GET /cron_jobs/{cron_job}": right(cronJobs, "nightly", store.ReadOnly),
		"POST /cron_jobs/{cron_job}, DELETE /cron_jobs/{cron_job}, POST /cron_jobs/{cron_job}/update, PUT /cron_jobs/{cron_job}/update, " +
			"PATCH /cron_jobs/{cron_job}/update": right(cronJobs, "nightly", store.ReadWrite),

		"GET /device_groups/{group}, GET /device_groups/{group}/info, GET /device_groups/{group}/configs, " +
			"GET /device_groups/{group}/configs/{config_id}": right(groups, "fleet", store.ReadOnly),
		"POST /device_groups/{group}, DELETE /device_groups/{group}, POST /device_groups/{group}/update, " +
			"PUT /device_groups/{group}/update, PATCH /device_groups/{group}/update": right(groups, "fleet", store.ReadWrite),
		"POST /device_groups/{group}/prune, POST /prune": pruning,

		"GET /devices/{device}": right(groups, "fleet", store.ReadOnly),
		"PUT /devices/{device}, PATCH /devices/{device}, DELETE /devices/{device}, POST /devices/{device}/revoke": right(groups, "fleet", store.ReadWrite),
		"POST /devices/{device}/approve, POST /devices/{device}/secret":                                           admin,

		"GET /users/{user}, POST /users/{user}, DELETE /users/{user}, PUT /users/{user}/update, PATCH /users/{user}/update, " +
			"POST /users/{user}/refresh": admin,
		"GET /user_groups/{user_group}, POST /user_groups/{user_group}, DELETE /user_groups/{user_group}, " +
			"PUT /user_groups/{user_group}/update, PATCH /user_groups/{user_group}/update": admin,
		"GET /tokens, POST /tokens, GET /tokens/{token}, DELETE /tokens/{token}":                                       admin,
		"GET /authorities, GET /authorities/{authority}, POST /authorities/roll, POST /authorities/{authority}/retire": admin,
		"GET /audit": admin,
		"GET /broker/rights/{format}, POST /broker/auth, POST /broker/acl, POST /broker/superuser": admin,
	} {
		for method := range strings.SplitSeq(methods, ", ") {
			all[method] = needs
		}
	}
	return all
}

// Every path of the router lets in whoever has just the right it needs, and nobody who has all others.
func TestRightsOfEveryPath(t *testing.T) {
	m := newManagerWith(t, openStore(t), func(o *api.Options) { o.Fleet = allIn{o.Fleet, "fleet"} })
	m.fill()
	for _, err := range []error{
		m.store.Users().Create(t.Context(), store.User{UserName: "some", Password: hash(t, "pass"), Token: hash(t, "some-t0ken")}),
		m.store.UserGroups().Create(t.Context(), nothing()),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	needs := requirements()
	as := func(g store.UserGroup, method, path string) *httptest.ResponseRecorder {
		body, err := json.Marshal(map[string]any{
			"pruning_allowed": g.PruningAllowed, "admin": g.Admin, "group_members": g.GroupMembers,
			"apps": orEmpty(g.Apps), "device_groups": orEmpty(g.DeviceGroups), "cron_jobs": orEmpty(g.CronJobs),
		})
		if err != nil {
			t.Fatal(err)
		}
		if w := m.do("PUT", "/user_groups/rights/update", string(body)); w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		return m.as("some", "pass")(method, path, `{"no such field": 1}`)
	}
	fillIn := strings.NewReplacer("{app}", "web", "{group}", "fleet", "{cron_job}", "nightly", "{config_id}", "1", "{device}", "till", "{user}", "ann", "{user_group}", "ops", "{authority}", "1")
	err := chi.Walk(m.handler.(chi.Routes), func(method, pattern string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		pattern = strings.TrimPrefix(pattern, "/api/v2")
		need, ok := needs[method+" "+pattern]
		if !ok {
			return fmt.Errorf("%s %s: what it needs is not among the requirements of this test", method, pattern)
		}
		path := fillIn.Replace(pattern)
		t.Run(method+pattern, func(t *testing.T) {
			enough, others := nothing(), everything()
			if need.withhold != nil {
				need.withhold(&others)
				wantJSON(t, as(others, method, path), 403, notAllowed)
				need.grant(&enough)
			}
			if w := as(enough, method, path); w.Code == 401 || w.Code >= 500 || w.Code == 403 && strings.Contains(w.Body.String(), "access_allowed") {
				t.Errorf("with what it needs: %d %.200s", w.Code, w.Body)
			}
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func orEmpty(rights map[string]store.Right) map[string]store.Right {
	if rights == nil {
		return map[string]store.Right{}
	}
	return rights
}

// What is cached is still only for those who may: a right that is taken away counts from the next request.
func TestInfoIsAuthorisedEveryTime(t *testing.T) {
	onEveryStore(t, func(t *testing.T, open opener) {
		m := open.manager(t)
		m.fill()
		password, token := m.as("ann", annPassword), m.as(annToken)
		const info = "/device_groups/fleet/info"
		want := func(status int) {
			t.Helper()
			for _, get := range []func(method, path, body string) *httptest.ResponseRecorder{password, token} {
				if w := get("GET", info, ""); w.Code != status {
					t.Errorf("status %d, %.60s, want %d", w.Code, w.Body, status)
				}
			}
			if w := m.do("GET", info, ""); w.Code != 200 {
				t.Errorf("admin: status %d, %s", w.Code, w.Body)
			}
			if w := m.serve(httptest.NewRequest("GET", "/api/v2"+info, nil)); w.Code != 401 {
				t.Errorf("nobody: status %d", w.Code)
			}
		}
		do := func(method, path, body string) {
			t.Helper()
			if w := m.do(method, path, body); w.Code != 200 {
				t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
			}
		}
		want(403)
		do("PUT", "/user_groups/ops/update", `{"device_groups": {"fleet": "ro"}}`)
		want(200)
		do("PUT", "/user_groups/ops/update", `{"device_groups": {}}`)
		want(403)
		do("POST", "/user_groups/all", `{"admin": true, "group_members": ["ann"]}`)
		want(200)
		do("DELETE", "/user_groups/all", ``)
		want(403)
		do("PUT", "/user_groups/ops/update", `{"device_groups": {"fleet": "rw"}}`)
		want(200)
		do("PUT", "/user_groups/ops/update", `{"group_members": ["bob"]}`)
		want(403)
		do("PUT", "/user_groups/ops/update", `{"group_members": ["ann"]}`)
		want(200)
		do("DELETE", "/users/ann", ``)
		want(401)
	})
}
