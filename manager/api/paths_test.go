package api_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"muster/manager/api"
)

// served runs the API on a port of its own until the test ends.
func served(t *testing.T, m *manager) (addr string) {
	t.Helper()
	s := listen(t, m.bare)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ran; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s.Addr().String()
}

// rawly sends bytes as they are and gives the statuses of all answers to them, until the server closes the connection or
// has been silent for longer than answers take.
func rawly(t *testing.T, addr, sent string) (statuses []int, closed bool) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, sent); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(sent, " ")
	r := bufio.NewReader(conn)
	for {
		if err := conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			return statuses, !errors.Is(err, os.ErrDeadlineExceeded)
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			t.Errorf("%.80q: the answer is cut off: %v", sent, err)
		}
		answer.Body.Close()
		statuses = append(statuses, answer.StatusCode)
	}
}

// No way of writing a path leads past the credentials, nor to anything that the plain path would not.
func TestPathTricks(t *testing.T) {
	m := newManagerWith(t, openStore(t), func(o *api.Options) {
		o.Probes = map[string]http.HandlerFunc{"/healthz": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }}
	})
	m.fill()
	addr := served(t, m)
	for _, path := range []string{
		"/healthz/../api/v2/users", "/healthz/..%2fapi/v2/users", "/healthz;/../api/v2/users", "/healthz%2f", "/healthz%00", "/healthz/", "//healthz", "/HEALTHZ",
		"/api/v2/docs/../users", "/api/v2/docs/..%2f..%2fusers", "/api/v2/docs/%2e%2e/users", "/api/v2/docs/..%5cusers", "/api/v2/docs/..%252f..%252fapi.yaml",
		"/api/v2/docs//etc/passwd", "/api/v2/docs/%2fetc%2fpasswd", "/api/v2/docs/..%c0%afapi.yaml", "/api/v2/docs/docs.js%00.html",
		"/./api/v2/status", "//api/v2/status", "/api//v2/status", "/api/v2/status/", "/api/v2/status/.", "/api/v2/./status", "/api/v2/users/../status", "/API/V2/STATUS",
		"/api/v2/status%00", "/api/v2/status%20", "/api/v2/st\u00e4tus", "/api/v2/status;a=b", "/api/v2/%73tatus%2f", "/api%2fv2/status",
		"/api/v2/apps/..", "/api/v2/apps/.", "/api/v2/apps/%2e%2e", "/api/v2/apps/..%2f..%2fmetrics", "/api/v2/apps/web%2frestart", "/api/v2/apps/web%00", "/api/v2/apps/w\u212aeb",
		"/api/v2/apps/%ff", "/api/v2/apps/%e2%80%aeweb", "/api/v2/apps/" + strings.Repeat("a", 4000), "/api/v2/apps/" + strings.Repeat("%2e%2e%2f", 1000) + "x",
		"/api/v2/device_groups/%2b", "/api/v2/device_groups/%23", "/api/v2/device_groups/fleet%2finfo", "/api/v2/device_groups/..%2fusers/info",
		"/api/v2/users/root", "/api/v2/users/ro%6ft", "/api/v2/devices/%2b", "/api/v2/devices/..%2f..%2fusers",
	} {
		for _, method := range []string{"GET", "HEAD", "DELETE", "POST"} {
			login := ""
			for range 2 {
				head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: 0\r\nConnection: close\r\n\r\n", method, path, login)
				answers, _ := rawly(t, addr, head)
				if len(answers) != 1 {
					t.Fatalf("%s %.80s: %d answers", method, path, len(answers))
				}
				switch code := answers[0]; {
				case login == "" && code != 401 && code != 400:
					t.Errorf("%s %.80s without credentials: %d", method, path, code)
				case login != "" && (code < 400 || code >= 500):
					t.Errorf("%s %.80s: %d, want a refusal", method, path, code)
				}
				login = "Authorization: Bearer " + token + "\r\n"
			}
		}
	}
	for path, want := range map[string]string{
		"/apps": `{"apps": ["idle", "web"]}`, "/device_groups": `{"device_groups": ["fleet"]}`, "/cron_jobs": `{"cron_jobs": ["nightly"]}`, "/devices/till": "",
	} {
		if w := m.do("GET", path, ""); w.Code != 200 {
			t.Errorf("%s afterwards: %d", path, w.Code)
		} else if want != "" {
			wantJSON(t, w, 200, want)
		}
	}
}
