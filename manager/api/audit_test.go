package api_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"muster/manager/store"
)

// auditPage reads a page of the audit trail.
func (m *manager) auditPage(parameters string) (entries []store.AuditEntry, next string) {
	m.t.Helper()
	var page struct {
		Audit []store.AuditEntry
		Next  *string
	}
	decodeInto(m.t, m.do("GET", "/audit?"+parameters, ""), &page)
	if page.Audit == nil {
		m.t.Errorf("%s: the list is null", parameters)
	}
	if page.Next != nil {
		next = *page.Next
	}
	return page.Audit, next
}

// auditLog is the audit trail in a few words for each entry, the oldest first.
func (m *manager) auditLog() []string {
	m.t.Helper()
	entries, _ := m.auditPage("page_size=1000")
	said := []string{}
	for _, e := range entries {
		if e.Kind == "token" && e.Name != oldToken {
			e.Name = "new" // at random
		}
		said = append(said, e.Action+" "+e.Kind+" "+e.Name)
	}
	slices.Reverse(said)
	return said
}

// A mutation is a request that changes something, after those that it needs, and what the trail says of it.
type mutation struct {
	first [][3]string
	body  string
	want  []string
}

// mutations has every route that may change something.
var mutations = map[string]mutation{
	"POST /apps/{app}":                    {first: [][3]string{{"DELETE", "/apps/web", ""}}, body: `{"docker_image": "img"}`, want: []string{"create app web"}},
	"DELETE /apps/{app}":                  {want: []string{"delete app web"}},
	"POST /apps/{app}/update":             {body: `{"docker_image": "img"}`, want: []string{"update app web"}},
	"PUT /apps/{app}/update":              {body: `{"env_vars": {}}`, want: []string{"update app web"}},
	"PATCH /apps/{app}/update":            {body: `{"env_vars": {}}`, want: []string{"update app web"}},
	"POST /apps/{app}/restart":            {want: []string{"restart app web"}},
	"POST /apps/{app}/start":              {want: []string{"start app web"}},
	"POST /apps/{app}/stop":               {want: []string{"stop app web"}},
	"POST /device_groups/{group}":         {first: [][3]string{{"DELETE", "/device_groups/fleet", ""}}, body: `{}`, want: []string{"create device_group fleet"}},
	"DELETE /device_groups/{group}":       {want: []string{"delete device_group fleet"}},
	"POST /device_groups/{group}/update":  {body: `{}`, want: []string{"update device_group fleet"}},
	"PUT /device_groups/{group}/update":   {body: `{"apps": []}`, want: []string{"update device_group fleet"}},
	"PATCH /device_groups/{group}/update": {body: `{"apps": []}`, want: []string{"update device_group fleet"}},

	"POST /device_groups/{group}/prune": {want: []string{"prune device_group fleet"}},
	"POST /prune": {
		first: [][3]string{{"POST", "/device_groups/g1", `{}`}, {"POST", "/device_groups/g2", `{}`}},
		want:  []string{"prune device_group fleet", "prune device_group g1", "prune device_group g2"},
	},

	"POST /cron_jobs/{cron_job}":         {first: [][3]string{{"DELETE", "/cron_jobs/nightly", ""}}, body: `{"docker_image": "img", "schedule": "0 4 * * *"}`, want: []string{"create cron_job nightly"}},
	"DELETE /cron_jobs/{cron_job}":       {want: []string{"delete cron_job nightly"}},
	"POST /cron_jobs/{cron_job}/update":  {body: `{"docker_image": "img", "schedule": "0 4 * * *"}`, want: []string{"update cron_job nightly"}},
	"PUT /cron_jobs/{cron_job}/update":   {body: `{"env_vars": {}}`, want: []string{"update cron_job nightly"}},
	"PATCH /cron_jobs/{cron_job}/update": {body: `{"env_vars": {}}`, want: []string{"update cron_job nightly"}},

	"PUT /devices/{device}":          {body: `{"labels": {"site": "berlin"}}`, want: []string{"update device till"}},
	"PATCH /devices/{device}":        {body: `{"note": "new"}`, want: []string{"update device till"}},
	"DELETE /devices/{device}":       {want: []string{"delete device till", "forget device till"}},
	"POST /devices/{device}/approve": {want: []string{"approve device till"}},
	"POST /devices/{device}/secret":  {body: `{"replace_key": true}`, want: []string{"secret device till"}},
	"POST /devices/{device}/revoke":  {want: []string{"revoke device till"}},

	"POST /users/{user}":         {first: [][3]string{{"DELETE", "/users/ann", ""}}, body: `{}`, want: []string{"create user ann"}},
	"DELETE /users/{user}":       {want: []string{"delete user ann"}},
	"PUT /users/{user}/update":   {body: `{"password": "p"}`, want: []string{"update user ann"}},
	"PATCH /users/{user}/update": {body: `{"token": "t"}`, want: []string{"update user ann"}},
	"POST /users/{user}/refresh": {want: []string{"refresh user ann"}},

	"POST /user_groups/{user_group}":         {first: [][3]string{{"DELETE", "/user_groups/ops", ""}}, body: `{}`, want: []string{"create user_group ops"}},
	"DELETE /user_groups/{user_group}":       {want: []string{"delete user_group ops"}},
	"PUT /user_groups/{user_group}/update":   {body: `{"admin": true}`, want: []string{"update user_group ops"}},
	"PATCH /user_groups/{user_group}/update": {body: `{"group_members": []}`, want: []string{"update user_group ops"}},

	"POST /authorities/roll":               {want: []string{"roll authority 2"}},
	"POST /authorities/{authority}/retire": {first: [][3]string{{"POST", "/authorities/roll", ""}}, body: `{"force": true}`, want: []string{"retire authority 1"}},

	"POST /tokens":           {body: `{"kind": "enroll", "device_group": "fleet"}`, want: []string{"create token new"}},
	"DELETE /tokens/{token}": {want: []string{"delete token " + oldToken}},
}

// names has an object that is there for each name in a path.
var names = strings.NewReplacer("{app}", "web", "{group}", "fleet", "{device}", "till", "{cron_job}", "nightly", "{user}", "ann", "{user_group}", "ops", "{token}", oldToken, "{authority}", "1")

// changingRoutes are those of the router that are not for reading, as keys of mutations.
func (m *manager) changingRoutes() []string {
	m.t.Helper()
	var routes []string
	err := chi.Walk(m.handler.(chi.Routes), func(method, path string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		// What brokers ask changes nothing.
		if method != http.MethodGet && !strings.HasPrefix(path, "/api/v2/broker/") {
			routes = append(routes, method+" "+strings.TrimPrefix(path, "/api/v2"))
		}
		return nil
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return routes
}

// Every route that changes something says so in the audit trail, once for each object. A new one must be listed
// in mutations.
func TestEveryChangeIsInTheAuditTrail(t *testing.T) {
	routes := newManager(t).changingRoutes()
	if diff := cmp.Diff(slices.Sorted(maps.Keys(mutations)), slices.Sorted(slices.Values(routes))); diff != "" {
		t.Errorf("routes that this test tries, and that there are (-want +got):\n%s", diff)
	}
	onEveryStore(t, func(t *testing.T, open opener) {
		for route, mutation := range mutations {
			t.Run(route, func(t *testing.T) {
				m := open.manager(t)
				m.fill()
				for _, first := range mutation.first {
					m.do(first[0], first[1], first[2])
				}
				before := m.auditLog()
				method, path, _ := strings.Cut(names.Replace(route), " ")
				if w := m.do(method, path, mutation.body); w.Code >= 300 {
					t.Fatalf("%d %s", w.Code, w.Body)
				}
				entries := m.auditLog()
				slices.Sort(entries[len(before):]) // one request may change several objects at a time
				if diff := cmp.Diff(append(before, mutation.want...), entries); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	})
}

// What is refused changes nothing, and the trail says nothing of it.
func TestRefusedRequestsAreNotInTheAuditTrail(t *testing.T) {
	m := newManager(t)
	m.fill()
	refused := func(w *httptest.ResponseRecorder, what ...any) {
		t.Helper()
		if w.Code < 400 || w.Code >= 500 {
			t.Errorf("%v: %d %s, want a refusal", what, w.Code, w.Body)
		}
	}
	for _, route := range m.changingRoutes() {
		method, path, _ := strings.Cut(route, " ")
		there := names.Replace(path)
		if mutations[route].body != "" { // the others look at no body
			refused(m.do(method, there, `{"unknown_field": 1}`), route, "unknown field")
			refused(m.do(method, there, `not JSON`), route, "no JSON")
		}
		if strings.Count(path, "/") > 2 || method == "DELETE" { // it must be there
			there := strings.NewReplacer("fleet", "none", "web", "none", "nightly", "none", "ann", "none", "ops", "none", "till", "none", oldToken, "ABCDEFGHIJ").Replace(there)
			refused(m.do(method, there, mutations[route].body), route, "not there")
		}
		refused(m.as(user, "wrong")(method, there, mutations[route].body), route, "wrong password")
	}
	m.do("POST", "/apps/idle/restart", "")
	if got := m.auditLog(); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestAuditEntry(t *testing.T) {
	onEveryStore(t, func(t *testing.T, open opener) {
		m := open.manager(t)
		m.fill()
		wantJSON(t, m.do("GET", "/audit", ""), 200, `{"audit": [], "next": null}`)
		r := m.request("PUT", "/apps/web/update", `{"env_vars": {"A": "2", "B": "3"}, "docker_image": "nginx:2"}`)
		r.Header.Set("X-Request-Id", "r-1")
		m.serve(r)
		entries, _ := m.auditPage("")
		if len(entries) != 1 {
			t.Fatalf("got %+v", entries)
		}
		e := entries[0]
		wantJSON(t, m.do("GET", "/audit", ""), 200, fmt.Sprintf(`{"next": null, "audit": [{
			"id": %q, "at": %q, "by": "root", "request_id": "r-1", "action": "update", "kind": "app", "name": "web",
			"changed": ["app_id", "docker_image", "env_vars.A", "env_vars.B"],
			"before": %s, "after": %s}]}`, e.ID, e.At.Format("2006-01-02T15:04:05.999Z"),
			webApp(`{"env_vars": {"A": "(hidden)"}}`),
			webApp(`{"app_id": 2, "docker_image": "nginx:2", "env_vars": {"A": "(hidden)", "B": "(hidden)"}}`)))
	})
}
