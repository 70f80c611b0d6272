package admin_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
)

// Why it failed is not hidden among a line for each step that was left out because of that.
func TestApplyTellsWhatWasLeftOutOnce(t *testing.T) {
	server := manager(t)
	behind, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(behind)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			http.Error(w, "{}", http.StatusInternalServerError)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	defer front.Close()
	t.Setenv("MUSTER_URL", front.URL)
	files := "apps:\n"
	for i := range 100 {
		files += fmt.Sprintf("  a%d: {docker_image: i}\n", i)
	}
	r := musterReads(t, files, "apply", "-f", "-")
	lines := strings.Count(r.stderr, "\n")
	last := fmt.Sprintf("muster: 100 of 100 steps failed, %d of them not tried because of others\n", 100-lines+1)
	if r.code != 1 || r.stdout != "" || lines < 2 || lines > 20 || !strings.HasSuffix(r.stderr, last) {
		t.Errorf("%+v, want its end to be %q", r, last)
	}
}
