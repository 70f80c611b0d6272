package admin_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
)

// between has a manager's calls go through handle first, which says whether it has answered.
func between(t *testing.T, handle func(w http.ResponseWriter, r *http.Request) bool) {
	t.Helper()
	real := shops(t).Config.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !handle(w, r) {
			real.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	t.Setenv("MUSTER_URL", server.URL)
}

// What is deleted between the list and the look at it is not there, which is no failure.
func TestDeletedMeanwhile(t *testing.T) {
	between(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/api/v2/device_groups" {
			return false
		}
		_, _ = w.Write([]byte(`{"device_groups": ["gone", "lab"]}`))
		return true
	})
	muster(t, "get", "device_groups").want(t, 0, ""+
		"NAME  APPS  CRON_JOBS  DEVICE_GROUP_ID  PRUNE_ID\n"+
		"lab   -     -          1                1\n", "")
}

// A command that Ctrl-C ends has not done what it was asked for; what it did is told.
func TestInterrupted(t *testing.T) {
	between(t, func(_ http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/batch") {
			return false
		}
		if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
			t.Error(err)
		}
		<-r.Context().Done()
		return true
	})
	muster(t, "delete", "app", "web", "batch", "none").want(t, 1, "app \"web\" deleted\n", "muster: interrupted\n")
	muster(t, "get", "apps", "batch", "none").want(t, 1, "", "muster: interrupted\n")
}
