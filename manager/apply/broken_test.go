package apply_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"muster/manager/api/apitest"
	"muster/manager/apply"
	"muster/manager/client"
)

// behind has the rig's client go through a server that looks at each request first, and may answer it.
func (r *rig) behind(look func(http.ResponseWriter, *http.Request) (answered bool)) {
	r.Helper()
	manager, err := url.Parse(r.server.URL)
	if err != nil {
		r.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(manager)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if !look(w, request) {
			proxy.ServeHTTP(w, request)
		}
	}))
	r.Cleanup(front.Close)
	if r.client, err = client.New(client.Options{URL: front.URL, Token: apitest.Token, Retry: -1}); err != nil {
		r.Fatal(err)
	}
}

// A manager that is broken, or does not take the credentials any more, is not asked a thousand times.
func TestTheRestIsLeftOut(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusInternalServerError} {
		r := setUp(t)
		var asked atomic.Int32
		r.behind(func(w http.ResponseWriter, request *http.Request) bool {
			if request.Method == http.MethodGet {
				return false
			}
			asked.Add(1)
			w.WriteHeader(status)
			return true
		})
		p := r.plan("apps:\n"+manyApps(100), false)
		if err := p.Run(t.Context(), func(apply.Step, error) {}); err == nil || asked.Load() > 16 {
			t.Errorf("%d: %v, asked %d times", status, err, asked.Load())
		}
	}
}

func manyApps(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("  a" + strings.Repeat("x", i) + ": {docker_image: i}\n")
	}
	return b.String()
}

// What somebody else changes meanwhile, and the files need not change, is not undone.
func TestOnlyWhatDiffersIsSent(t *testing.T) {
	r := setUp(t)
	const before = `
apps: {a: {docker_image: i, privileged: true}}
cron_jobs: {c: {docker_image: i, schedule: "* * * * *"}}`
	const after = `
apps: {a: {docker_image: j, privileged: true, env_vars: []}}
cron_jobs: {c: {docker_image: j, schedule: "* * * * *", cron_job_id: 0, env_vars: []}}`
	r.apply(before, false, `create app "a"`, `create cron_job "c"`)
	var sent []string
	r.behind(func(_ http.ResponseWriter, request *http.Request) bool {
		if request.Method != http.MethodGet {
			body, err := io.ReadAll(request.Body)
			if err != nil {
				t.Error(err)
			}
			request.Body = io.NopCloser(bytes.NewReader(body))
			sent = append(sent, string(body))
		}
		return false
	})
	r.apply(after, false, "change app \"a\"\n    docker_image: \"i\" → \"j\"", "change cron_job \"c\"\n    docker_image: \"i\" → \"j\"")
	if want := []string{`{"docker_image":"j"}`, `{"docker_image":"j"}`}; !slices.Equal(sent, want) {
		t.Errorf("sent %q", sent)
	}
}

// What cannot be read is not taken for an object without fields.
func TestObjectsThatCannotBeRead(t *testing.T) {
	r := setUp(t)
	r.apply("apps: {a: {docker_image: i}, b: {docker_image: i}}", false, `create app "a"`, `create app "b"`)
	r.behind(func(w http.ResponseWriter, request *http.Request) bool {
		if !strings.HasSuffix(request.URL.Path, "/apps/b") {
			return false
		}
		w.WriteHeader(http.StatusInternalServerError)
		return true
	})
	if p, err := r.tryPlan("apps: {a: {docker_image: j}, b: {docker_image: j}}", false); err == nil || !strings.Contains(err.Error(), `app "b"`) {
		t.Errorf("plan: %v, %v", p.Steps, err)
	}
	if all, err := apply.Export(t.Context(), r.client); err == nil || !strings.Contains(err.Error(), `app "b"`) {
		t.Errorf("export: %v, %v", all, err)
	}
}
