package api_test

import (
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/manager/api"
	"muster/manager/auth"
)

// Each user and token may ask so often, wherever from; nobody else is slowed down by it, and who waits as told is let in.
func TestRequestRate(t *testing.T) {
	s := openStore(t)
	who := &somebody{}
	m := newManagerWith(t, s, func(o *api.Options) {
		o.RequestRate = 5
		who.Authenticator, o.Auth = o.Auth, who
	})
	synctest.Test(t, func(t *testing.T) {
		ask := func(id auth.Identity, from string) *httptest.ResponseRecorder {
			who.id = id
			r := httptest.NewRequest("GET", "/api/v2/status", nil)
			r.RemoteAddr = from
			w := httptest.NewRecorder()
			m.bare.ServeHTTP(w, r)
			return w
		}
		ann, ci := auth.Identity{Name: "ann"}, auth.Identity{Name: "token:ci", Token: "ABCDEFGHIJ"}
		for i := range 50 {
			if w := ask(ann, "192.0.2."+strconv.Itoa(i)+":1"); w.Code != 200 {
				t.Fatalf("request %d: %d", i, w.Code)
			}
		}
		for range 3 {
			w := ask(ann, "198.51.100.1:1")
			wantJSON(t, w, 429, `{"error": "too many requests, try again later"}`)
			if wait := w.Header().Get("Retry-After"); wait != "1" {
				t.Errorf("Retry-After %q", wait)
			}
		}
		for _, other := range []auth.Identity{ci, {Name: "bob"}, {Name: ""}} {
			if w := ask(other, "192.0.2.1:1"); w.Code != 200 {
				t.Errorf("%q waits for ann: %d", other.Name, w.Code)
			}
		}
		time.Sleep(time.Second)
		for i := range 6 {
			if w := ask(ann, "192.0.2.1:1"); (w.Code == 200) != (i < 5) {
				t.Errorf("request %d after a second: %d", i, w.Code)
			}
		}
		for range 100 {
			if w := ask(auth.Identity{Name: "token:broker", BrokerAuth: true}, "192.0.2.1:1"); w.Code != 200 {
				t.Errorf("a broker that asks for its devices: %d", w.Code)
			}
			if w := ask(auth.Identity{}, "192.0.2.1:1"); w.Code != 200 {
				t.Errorf("without authentication: %d", w.Code)
			}
		}
	})
	if told := strings.Count(m.log.String(), "level=INFO"); told != 2 { // once for each host
		t.Errorf("the log tells %d times:\n%s", told, m.log)
	}
	if !strings.Contains(m.log.String(), `too many requests of \"ann\"`) {
		t.Errorf("the log does not tell whose they are: %s", m.log)
	}
}

// Whoever guesses fills no log: each different refusal is told once a minute to a host, with the name that was tried.
func TestRefusalsAreToldOnce(t *testing.T) {
	m := newManager(t)
	guess := func(from, password string) {
		r := httptest.NewRequest("GET", "/api/v2/status", nil)
		r.RemoteAddr = from
		r.SetBasicAuth("gu\nest", password)
		m.serve(r)
	}
	lines := func() int { return strings.Count(m.log.String(), "level=INFO") }
	for i := range 200 {
		guess("192.0.2.1:"+strconv.Itoa(i+1), "p"+strconv.Itoa(i))
	}
	if got := lines(); got != 2 { // one that is wrong, one that is too fast
		t.Errorf("200 wrong logins from one host make %d lines:\n%.2000s", got, m.log)
	}
	guess("192.0.2.2:1", "other")
	if got := lines(); got != 3 {
		t.Errorf("one from another host is line %d", got)
	}
	if !strings.Contains(m.log.String(), `gu\\nest`) {
		t.Errorf("the log does not tell as whom they came: %.500s", m.log)
	}
}
