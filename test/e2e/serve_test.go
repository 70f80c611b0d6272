package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A second start goes on where the first one was, with the secrets that the first one made.
func TestServeAgain(t *testing.T) {
	in := install(t, nil)
	first := in.manager.log.String()
	if strings.Count(first, in.password) != 1 {
		t.Errorf("the first start prints the admin's password %d times, want once:\n%s", strings.Count(first, in.password), first)
	}
	info, err := os.Stat(filepath.Join(in.dataDir(), "admin-password"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("admin-password: %v, %v, want mode 0600", info, err)
	}
	if _, err := os.Stat(filepath.Join(in.dataDir(), "device-password")); !os.IsNotExist(err) {
		t.Errorf("a password that all devices share was made: %v", err)
	}
	in.must("POST", "/apps/web", fields{"docker_image": "registry.invalid/hello:v1"})
	in.must("POST", "/device_groups/shops", fields{"apps": []string{"web"}, "cron_jobs": []string{}})
	was := in.must("GET", "/device_groups/shops/info", nil)
	in.manager.stop()

	in.startManager()
	if second := in.manager.log.String(); strings.Contains(second, in.password) {
		t.Errorf("the second start prints the admin's password:\n%s", second)
	}
	is := in.must("GET", "/device_groups/shops/info", nil)
	if was["config_id"] != is["config_id"] || was["epoch"] != is["epoch"] {
		t.Errorf("the config was %v/%v, is %v/%v", was["epoch"], was["config_id"], is["epoch"], is["config_id"])
	}
}

// Port 0 picks free ports, and files in the data directory say which.
func TestAddressFiles(t *testing.T) {
	dir := t.TempDir()
	manager := start(t, "muster", "serve", "--data-dir", dir, "--http-addr", "127.0.0.1:0", "--mqtt-addr", "127.0.0.1:0")
	manager.awaitLog("ready")
	in := &installation{t: t, dir: filepath.Dir(dir)}
	in.httpAddr = in.read(dir, "http.addr")
	for _, tc := range []struct {
		authorize func(*http.Request)
		want      int
	}{
		{func(*http.Request) {}, http.StatusUnauthorized},
		{func(r *http.Request) { r.SetBasicAuth("admin", "admin") }, http.StatusUnauthorized},
		{func(r *http.Request) { r.SetBasicAuth("admin", in.read(dir, "admin-password")) }, http.StatusOK},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+in.httpAddr+"/api/v2/status", nil)
		if err != nil {
			t.Fatal(err)
		}
		tc.authorize(request)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != tc.want {
			t.Errorf("status %d, want %d", response.StatusCode, tc.want)
		}
	}
	if addr := in.read(dir, "mqtt.addr"); strings.HasSuffix(addr, ":0") || !strings.HasPrefix(addr, "127.0.0.1:") {
		t.Errorf("mqtt.addr says %q", addr)
	}
	manager.stop()
}
