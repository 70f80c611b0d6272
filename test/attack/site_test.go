package attack

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/test/logs"
	"muster/test/rig"
)

// patience is how long anything may take that must happen.
const patience = 20 * time.Second

// A site is a "muster serve" process of the test's own. All but its loopback listener listen on every address, so that
// nothing that comes in there counts as local.
type site struct {
	t    testing.TB
	data string
	// local is the plain MQTT listener on loopback; the others are over TLS.
	local, https, mqtts, wss string
	roots                    *x509.CertPool
	client                   *http.Client
	log                      *logs.Buffer
	pid                      int
	password                 string
	tokens                   *groupTokens
}

func newSite(t testing.TB, more ...string) *site {
	t.Helper()
	dir := t.TempDir()
	port := rig.FreePorts(t, 4)
	at := func(n int) string { return fmt.Sprintf("127.0.0.1:%d", port+n) }
	everywhere := func(n int) string { return fmt.Sprintf("0.0.0.0:%d", port+n) }
	s := &site{
		t: t, data: filepath.Join(dir, "data"), roots: x509.NewCertPool(), log: &logs.Buffer{}, tokens: &groupTokens{token: map[string]string{}},
		local: at(0), https: at(1), mqtts: at(2), wss: at(3),
	}
	s.start(append([]string{
		"serve", "--data-dir", s.data, "--http-addr", "", "--mqtt-addr", s.local, "--https-addr", everywhere(1), "--mqtt-tls-addr", everywhere(2),
		"--mqtt-wss-addr", everywhere(3), "--cache-time", "1s",
	}, more...)...)
	s.roots.AppendCertsFromPEM([]byte(s.file("ca.pem")))
	s.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots}, MaxIdleConnsPerHost: 16}, Timeout: patience}
	s.password = strings.TrimSpace(s.file("admin-password"))
	s.must(200, "POST", "/api/v2/apps/web", `{"docker_image":"registry.invalid/web:v1"}`)
	for _, group := range []string{"shops", "thieves", "victims"} {
		s.must(200, "POST", "/api/v2/device_groups/"+group, `{"apps":["web"],"cron_jobs":[]}`)
	}
	return s
}

// file reads one of the data directory.
func (s *site) file(name string) string {
	s.t.Helper()
	content, err := os.ReadFile(filepath.Join(s.data, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(content)
}

// start runs the process until the test ends, and returns when it is ready.
func (s *site) start(args ...string) {
	s.t.Helper()
	cmd := exec.Command(rig.Build(s.t, "muster/cmd/muster"), args...)
	cmd.Stdout, cmd.Stderr = s.log, s.log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.pid = cmd.Process.Pid
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	s.t.Cleanup(func() {
		select {
		case err := <-ended:
			s.t.Errorf("muster serve has ended: %v", err)
		default:
			_ = cmd.Process.Kill()
			<-ended
		}
		log := s.log.String()
		if strings.Contains(log, "DATA RACE") {
			s.t.Errorf("it has a data race:\n%s", log)
		} else if s.t.Failed() {
			s.t.Logf("the end of its log:\n%s", log[max(0, len(log)-8<<10):])
		}
	})
	s.await("the start", func() error {
		if !strings.Contains(s.log.String(), "msg=ready") {
			return fmt.Errorf("it is not ready:\n%s", s.log)
		}
		return nil
	})
}

// await tries until there is no error any more.
func (s *site) await(what string, try func() error) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("waited in vain for %s: %v", what, err)
		}
	}
}

// lines are those of the log in which all of the texts are.
func (s *site) lines(texts ...string) (lines []string) {
line:
	for line := range strings.Lines(s.log.String()) {
		for _, text := range texts {
			if !strings.Contains(line, text) {
				continue line
			}
		}
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines
}

// rest makes a request without credentials, unless change adds some, and gives the answer.
func (s *site) rest(method, path, body string, change func(*http.Request)) (status int, answer string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, "https://"+s.https+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	response, err := s.client.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(text)
}

func (s *site) admin(r *http.Request) { r.SetBasicAuth("admin", s.password) }

// must makes a request as the admin, which must be answered with that status.
func (s *site) must(status int, method, path, body string) string {
	s.t.Helper()
	got, answer := s.rest(method, path, body, s.admin)
	if got != status {
		s.t.Fatalf("%s %s: %d %s, want %d", method, path, got, answer, status)
	}
	return answer
}
