package api_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"muster/manager/api"
	"muster/manager/auth"
)

const unauthorized = `{"error": "credentials are missing or wrong"}`

// Every path of the router, and some that it does not have, demands credentials.
func TestEveryRouteDemandsCredentials(t *testing.T) {
	m := newManager(t)
	m.fill()
	type route struct{ method, path string }
	routes := []route{{"GET", "/"}, {"GET", "/api/v2"}, {"GET", "/api/v2/none"}, {"PUT", "/api/v2/status"}, {"HEAD", "/api/v2/apps"}}
	err := chi.Walk(m.handler.(chi.Routes), func(method, path string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		routes = append(routes, route{method, strings.NewReplacer("{app}", "web", "{group}", "fleet", "{user}", "none", "{user_group}", "none", "{cron_job}", "nightly", "{config_id}", "1").Replace(path)})
		return nil
	})
	if err != nil || len(routes) < 20 {
		t.Fatalf("walked %d routes, %v", len(routes), err)
	}
	for _, rt := range routes {
		for name, set := range map[string]func(*http.Request){
			"no credentials": func(*http.Request) {},
			"wrong password": func(r *http.Request) { r.SetBasicAuth(user, password+"x") },
			"wrong token":    func(r *http.Request) { r.Header.Set("Authorization", "Bearer x"+token) },
		} {
			r := httptest.NewRequest(rt.method, rt.path, strings.NewReader(`{"docker_image": "img", "apps": []}`))
			set(r)
			w := m.serve(r)
			if w.Code != 401 || w.Header().Get("WWW-Authenticate") != `Basic realm="nebula"` {
				t.Errorf("%s %s, %s: status %d, WWW-Authenticate %q", rt.method, rt.path, name, w.Code, w.Header().Get("WWW-Authenticate"))
			}
			wantJSON(t, w, 401, unauthorized)
		}
		// Either kind of credentials is let in.
		for name, set := range map[string]func(*http.Request){
			"password": func(r *http.Request) { r.SetBasicAuth(user, password) },
			"token":    func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) },
		} {
			r := httptest.NewRequest(rt.method, rt.path, nil)
			set(r)
			if w := m.serve(r); w.Code == 401 || w.Code >= 500 {
				t.Errorf("%s %s, %s: status %d", rt.method, rt.path, name, w.Code)
			}
		}
	}
	if strings.Contains(m.log.String(), password) || strings.Contains(m.log.String(), token) {
		t.Error("a secret is in the log")
	}
}

func TestAuthenticationDisabled(t *testing.T) {
	who, err := auth.New(auth.Config{Disabled: true})
	if err != nil {
		t.Fatal(err)
	}
	s := openStore(t)
	changedBy := []string{}
	h, err := api.New(api.Options{
		Store: s, Configs: newMaker(s), Auth: who, Fleet: idleFleet(s), Enrollment: idleDesk(t, s),
		Changed: func(by string) { changedBy = append(changedBy, by) }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "http://127.0.0.1:8080/api/v2/apps/new", strings.NewReader(`{"docker_image": "img"}`)))
	wantJSON(t, w, 200, newApp(`{}`))
	if len(changedBy) != 1 || changedBy[0] != "" {
		t.Errorf("changed by %q, want one change by nobody", changedBy)
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	m := newManager(t)
	m.fill()
	for _, path := range []string{"/", "/apps/", "/nothing", "/apps/web/none", "/apps/web/update/x", "/device_groups/fleet/info/x"} {
		wantJSON(t, m.do("GET", path, ""), 404, noPath)
	}
	const noMethod = `{"error": "the path does not have this method"}`
	for _, tc := range []struct{ method, path, allow string }{
		{"POST", "/status", "GET, HEAD"},
		{"PUT", "/apps/web", "GET, HEAD, POST, DELETE"},
		{"GET", "/apps/web/update", "POST, PUT, PATCH"},
		{"HEAD", "/apps/web/stop", "POST"},
		{"DELETE", "/device_groups/a%2Fb/info", "GET, HEAD"},
		{"OPTIONS", "/device_groups/fleet", "GET, HEAD, POST, DELETE"},
		{"BREW", "/apps", "GET, HEAD"},
	} {
		w := m.do(tc.method, tc.path, "")
		wantJSON(t, w, 405, noMethod)
		if got := w.Header().Get("Allow"); got != tc.allow {
			t.Errorf("%s %s: Allow %q, want %q", tc.method, tc.path, got, tc.allow)
		}
	}
}

// HEAD is for health checks: the answer of GET without its body.
func TestHead(t *testing.T) {
	m := newManager(t)
	server := httptest.NewServer(m.handler)
	defer server.Close()
	for path, want := range map[string]int{"/status": 200, "/apps": 200, "/apps/none": 403, "/none": 404} {
		r, err := http.NewRequestWithContext(t.Context(), "HEAD", server.URL+"/api/v2"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(user, password)
		resp, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want || len(body) != 0 || err != nil {
			t.Errorf("HEAD %s: status %d, body %q, %v", path, resp.StatusCode, body, err)
		}
	}
}

// A page that an admin has open elsewhere cannot change anything with the password that the browser knows.
func TestOtherOrigins(t *testing.T) {
	m := newManager(t)
	m.fill()
	request := func(method, path, header, v string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "http://muster.example/api/v2"+path, nil)
		r.SetBasicAuth(user, password)
		r.Header.Set(header, v)
		return m.serve(r)
	}
	for _, header := range [][2]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "http://evil.example"}} {
		wantJSON(t, request("POST", "/apps/web/stop", header[0], header[1]), 403, `{"error": "a page of another origin may not change anything"}`)
		wantJSON(t, request("GET", "/apps/web", header[0], header[1]), 200, webApp(`{}`))
	}
	wantJSON(t, request("POST", "/apps/web/stop", "Origin", "http://muster.example"), 202, webApp(`{"app_id": 2, "running": false}`))
}
