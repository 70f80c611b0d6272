package apply_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"muster/manager/api/apitest"
	"muster/manager/apply"
	"muster/manager/client"
)

// behind has the rig's client go through a server that looks at each change first, and may answer it.
func (r *rig) behind(change func(http.ResponseWriter, string) (answered bool)) {
	r.Helper()
	manager, err := url.Parse(r.server.URL)
	if err != nil {
		r.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(manager)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if request.Method != http.MethodGet {
			body, err := io.ReadAll(request.Body)
			if err != nil {
				r.Error(err)
			}
			request.Body = io.NopCloser(strings.NewReader(string(body)))
			if change(w, string(body)) {
				return
			}
		}
		proxy.ServeHTTP(w, request)
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
		r.behind(func(w http.ResponseWriter, _ string) bool {
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
	r.apply("apps: {a: {docker_image: i, privileged: true}}", false, `create app "a"`)
	var sent atomic.Value
	r.behind(func(_ http.ResponseWriter, body string) bool { sent.Store(body); return false })
	r.apply("apps: {a: {docker_image: j, privileged: true}}", false, "change app \"a\"\n    docker_image: \"i\" → \"j\"")
	if got := sent.Load(); got != `{"docker_image":"j"}` {
		t.Errorf("sent %v", got)
	}
}
