package api_test

import (
	"fmt"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

// filled is the text as often as it fits into the largest body that is read.
func filled(text string) string {
	return strings.TrimSuffix(strings.Repeat(text, (1<<20-99)/len(text)), ",")
}

// Bodies that are small to send and large to read cost about what any other of their size does, and change nothing.
func TestBodiesThatGrow(t *testing.T) {
	m := newManager(t)
	m.fill()
	var members strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&members, `"%x":0,`, i)
	}
	for name, tc := range map[string]struct{ body, field string }{
		"lists":            {`{"docker_image": "img", "volumes": [` + filled("[],") + `]}`, "body"},
		"objects":          {`{"docker_image": "img", "volumes": [` + filled(`{"":0},`) + `]}`, "body"},
		"members":          {`{"docker_image": "img", "env_vars": {` + strings.TrimSuffix(members.String(), ",") + `}}`, "body"},
		"same members":     {`{"docker_image": "img", "env_vars": {` + filled(`"a":0,`) + `}}`, "body"},
		"depth":            {`{"docker_image": "img", "env_vars": ` + strings.Repeat(`{"a":`, 33) + `0` + strings.Repeat(`}`, 34), "body"},
		"depth, no end":    {filled("["), "body"},
		"brackets":         {`{"docker_image": "` + filled("[") + `"}`, "docker_image"},
		"a long number":    {`{"docker_image": "img", "containers_per": {"server": ` + filled("9") + `}}`, "containers_per"},
		"a large number":   {`{"docker_image": "img", "containers_per": {"server": 1e999999999}}`, "containers_per"},
		"a small number":   {`{"docker_image": "img", "containers_per": {"server": 1e-999999999}}`, "containers_per.server"},
		"escapes":          {`{"docker_image": "` + filled(`\u0000`) + `"}`, "docker_image"},
		"an escaped quote": {`{"docker_image": "\"` + filled(`[`) + `"}`, "docker_image"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		w := httptest.NewRecorder()
		m.bare.ServeHTTP(w, m.request("POST", "/apps/new", tc.body))
		runtime.ReadMemStats(&after)
		if w.Code != 400 || !strings.HasPrefix(w.Body.String(), `{"`+tc.field+`":`) || w.Body.Len() > 500 {
			t.Errorf("%s: %d %.200s, want a short 400 that names %s", name, w.Code, w.Body, tc.field)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 24<<20 {
			t.Errorf("%s: a body of %d bytes took %d bytes of memory", name, len(tc.body), took)
		}
	}
	wantJSON(t, m.do("GET", "/apps", ""), 200, `{"apps": ["idle", "web"]}`)
}

// What a body may have at most is taken.
func TestBodiesAtTheLimits(t *testing.T) {
	m := newManager(t)
	for name, ignored := range map[string]string{
		"depth":  strings.Repeat("[", 31) + strings.Repeat("]", 31),
		"values": "[" + strings.TrimSuffix(strings.Repeat("0,", 20_000-3), ",") + "]",
	} {
		wantJSON(t, m.do("POST", "/apps/"+name, `{"docker_image": "img", "app_id": `+ignored+`}`), 200, newApp(`{"app_name": "`+name+`"}`))
	}
}

// Nothing is read of a body that says itself that it is too large.
func TestTooLargeBodiesAreNotRead(t *testing.T) {
	m := newManager(t)
	r := m.request("POST", "/apps/new", "")
	r.ContentLength = 1<<20 + 1
	r.Body = unread{t}
	w := httptest.NewRecorder()
	m.bare.ServeHTTP(w, r)
	wantJSON(t, w, 400, `{"body": "must not be larger than 1048576 bytes"}`)
}

type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body is read")
	return 0, fmt.Errorf("not to be read")
}

func (unread) Close() error { return nil }
