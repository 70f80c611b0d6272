package api_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"muster/manager/store"
	"muster/topics"
)

// A brokenStore is a real store whose documents fail to be read and written.
type brokenStore struct {
	store.Store
	err, ping error
}

func (b brokenStore) Apps() store.Documents[topics.App] {
	return brokenDocuments[topics.App]{b.Store.Apps(), b.err}
}

func (b brokenStore) CronJobs() store.Documents[topics.CronJob] {
	return brokenDocuments[topics.CronJob]{b.Store.CronJobs(), b.err}
}

func (b brokenStore) DeviceGroups() store.Documents[store.DeviceGroup] {
	return brokenDocuments[store.DeviceGroup]{b.Store.DeviceGroups(), b.err}
}

func (b brokenStore) Ping(context.Context) error { return b.ping }

type brokenDocuments[T any] struct {
	store.Documents[T]
	err error
}

func (b brokenDocuments[T]) Get(context.Context, string) (T, error) {
	var none T
	if b.err == nil {
		panic("a bug at /secret/path")
	}
	return none, b.err
}

func (b brokenDocuments[T]) Create(ctx context.Context, doc T) error {
	_, err := b.Get(ctx, "")
	return err
}

func (b brokenDocuments[T]) Modify(ctx context.Context, name string, _ func(*T) error) (T, error) {
	return b.Get(ctx, name)
}

func (b brokenDocuments[T]) Delete(context.Context, string) error { return b.err }

func (b brokenDocuments[T]) Names(context.Context) ([]string, error) { return nil, b.err }

// What goes wrong on our side is told to the client without its inside, and to the log whole.
func TestFailures(t *testing.T) {
	works := openStore(t)
	inside := errors.New("disk /secret/path is on fire")
	for name, tc := range map[string]struct {
		store  brokenStore
		status int
		want   string
		logged string
	}{
		"error":       {brokenStore{err: inside}, 500, `{"error": "internal error", "request_id": "r-1"}`, inside.Error()},
		"unavailable": {brokenStore{err: inside, ping: inside}, 503, `{"error": "unavailable, try again later", "request_id": "r-1"}`, inside.Error()},
		"timeout":     {brokenStore{err: context.DeadlineExceeded}, 503, `{"error": "unavailable, try again later", "request_id": "r-1"}`, "deadline"},
		"panic":       {brokenStore{}, 500, `{"error": "internal error", "request_id": "r-1"}`, "a bug at /secret/path"},
	} {
		for _, rt := range [][2]string{
			{"GET", "/apps/web"}, {"POST", "/apps/web"}, {"PUT", "/apps/web/update"}, {"POST", "/apps/web/restart"},
			{"GET", "/device_groups/fleet"}, {"POST", "/device_groups/fleet"}, {"POST", "/device_groups/fleet/update"},
			{"GET", "/apps"}, {"GET", "/device_groups"}, {"DELETE", "/apps/web"}, {"DELETE", "/device_groups/fleet"},
			{"GET", "/cron_jobs"}, {"GET", "/cron_jobs/nightly"}, {"POST", "/cron_jobs/new"}, {"PATCH", "/cron_jobs/nightly/update"},
		} {
			if name == "panic" && strings.Count(rt[1], "/") == 1 {
				continue // a list does not read a document
			}
			t.Run(name+" "+rt[0]+rt[1], func(t *testing.T) {
				tc.store.Store = works
				m := newManagerAround(t, tc.store)
				r := httptest.NewRequest(rt[0], "/api/v2"+rt[1], strings.NewReader(`{"docker_image": "body-secret"}`))
				r.SetBasicAuth(user, password)
				r.Header.Set("X-Request-Id", "r-1")
				w := m.serve(r)
				wantJSON(t, w, tc.status, tc.want)
				if got := w.Header().Get("X-Request-Id"); got != "r-1" {
					t.Errorf("X-Request-Id %q", got)
				}
				log := m.log.String()
				for _, want := range []string{"level=ERROR", "request_id=r-1", tc.logged, "by=" + user} {
					if !strings.Contains(log, want) {
						t.Errorf("the log does not say %q:\n%s", want, log)
					}
				}
				if strings.Contains(log, "body-secret") || strings.Contains(log, password) {
					t.Errorf("the log tells too much:\n%s", log)
				}
				if by := m.changedBy(); len(by) != 0 {
					t.Errorf("poked by %q although nothing changed", by)
				}
			})
		}
	}
}

// A client that gives up is no failure of ours.
func TestClientGone(t *testing.T) {
	m := newManager(t)
	m.fill()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, "POST", "/api/v2/apps/web/stop", nil)
	r.SetBasicAuth(user, password)
	if w := m.serve(r); w.Code != 499 {
		t.Errorf("status %d, %s", w.Code, w.Body)
	}
	if log := m.log.String(); strings.Contains(log, "ERROR") || !strings.Contains(log, "status=499") {
		t.Errorf("log: %s", log)
	}
	wantJSON(t, m.do("GET", "/apps/web", ""), 200, webApp(`{}`))
}

func TestAccessLog(t *testing.T) {
	m := newManager(t)
	m.fill()
	for _, tc := range []struct {
		method, path, body string
		want               []string
	}{
		{"GET", "/apps/web", "", []string{"level=DEBUG", "method=GET", "path=/api/v2/apps/web", "status=200", "by=root", "duration="}},
		{"GET", "/apps/none", "", []string{"level=DEBUG", "status=403"}},
		{"POST", "/apps/web/update", `{"env_vars": {"KEY": "body-secret"}}`, []string{"level=INFO", "status=400", "by=root"}},
		{"PUT", "/apps/web/update", `{"volumes": ["body-secret"]}`, []string{"level=INFO", "status=400", "by=root"}},
	} {
		before := len(m.log.String())
		m.do(tc.method, tc.path, tc.body)
		line := m.log.String()[before:]
		if strings.Count(line, "\n") != 1 {
			t.Errorf("%s %s: want one line, got %q", tc.method, tc.path, line)
		}
		for _, want := range tc.want {
			if !strings.Contains(line, want) {
				t.Errorf("%s %s: no %q in %q", tc.method, tc.path, want, line)
			}
		}
		for _, secret := range []string{"body-secret", password, "Basic"} {
			if strings.Contains(line, secret) {
				t.Errorf("%q is in the log: %q", secret, line)
			}
		}
	}
	// A refused login says why, and not with what.
	r := httptest.NewRequest("GET", "/api/v2/apps", nil)
	r.SetBasicAuth(user, "gue55")
	before := len(m.log.String())
	m.serve(r)
	if line := m.log.String()[before:]; !strings.Contains(line, "level=INFO") || !strings.Contains(line, "status=401") || !strings.Contains(line, "wrong user or password") || strings.Contains(line, "gue55") {
		t.Errorf("refused login: %q", line)
	}
}

func TestRequestIDs(t *testing.T) {
	m := newManager(t)
	seen := map[string]bool{}
	for _, given := range []string{"", strings.Repeat("x", 65), "a b", "a\x7f", "ä"} {
		r := httptest.NewRequest("GET", "/api/v2/status", nil)
		r.SetBasicAuth(user, password)
		r.Header.Set("X-Request-Id", given)
		got := m.serve(r).Header().Get("X-Request-Id")
		if got == given || len(got) < 16 || seen[got] {
			t.Errorf("X-Request-Id %q gives %q, want a new one", given, got)
		}
		seen[got] = true
	}
}

// A hangingStore is a real store in which no app can be changed before release is closed.
type hangingStore struct {
	store.Store
	begun, release chan struct{}
}

func (h hangingStore) Apps() store.Documents[topics.App] {
	return hangingApps{h.Store.Apps(), h}
}

type hangingApps struct {
	store.Documents[topics.App]
	h hangingStore
}

func (a hangingApps) Modify(ctx context.Context, name string, change func(*topics.App) error) (topics.App, error) {
	close(a.h.begun)
	<-a.h.release
	return a.Documents.Modify(ctx, name, change)
}

// A change waits for another one no longer than a request may take.
func TestAChangeBehindOneThatHangs(t *testing.T) {
	h := hangingStore{openStore(t), make(chan struct{}), make(chan struct{})}
	m := newManagerAround(t, h)
	m.fill()
	first := make(chan int)
	go func() { first <- m.do("POST", "/apps/web/stop", "").Code }()
	<-h.begun
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, "POST", "/api/v2/device_groups/fleet/update", strings.NewReader(`{"apps": []}`))
	r.SetBasicAuth(user, password)
	second := make(chan int, 1)
	go func() { second <- m.serve(r).Code }()
	select {
	case code := <-second:
		if code != 503 {
			t.Errorf("status %d for a change that cannot begin, want 503", code)
		}
	case <-time.After(10 * time.Second):
		t.Error("a change waits for another one for ever")
	}
	close(h.release)
	if code := <-first; code != 202 {
		t.Errorf("status %d for the change that hung", code)
	}
}
