package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/test/logs"
)

// A serving is a "muster serve" that runs in this process until the test ends.
type serving struct {
	t    *testing.T
	dir  string
	log  *logs.Buffer
	url  string // of REST
	stop func() // asks it to end
	done chan struct{}
	err  error // of it, after done
}

// devicesPassword lets devices in that have no identity.
const devicesPassword = "devices-secret"

// startServing runs "muster serve" and returns when it says that it is ready.
func startServing(t *testing.T, args ...string) *serving {
	t.Helper()
	return startServingIn(t, filepath.Join(t.TempDir(), "data"), args...)
}

// startServingIn is startServing with that data directory.
func startServingIn(t *testing.T, dir string, args ...string) *serving {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &serving{t: t, dir: dir, log: &logs.Buffer{}, stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		s.err = run(ctx, s.dir, io.Discard, s.log, append([]string{"--device-password", devicesPassword}, args...)...)
	}()
	t.Cleanup(func() {
		s.wait()
		if t.Failed() {
			t.Logf("log of muster serve:\n%s", s.log)
		}
	})
	s.await("the start", func() error {
		select {
		case <-s.done:
			t.Fatalf("muster serve ended: %v", s.err)
		default:
		}
		if !strings.Contains(s.log.String(), "msg=ready") {
			return fmt.Errorf("it is not ready")
		}
		return nil
	})
	if plain, err := os.ReadFile(filepath.Join(s.dir, httpAddrFile)); err == nil {
		s.url = "http://" + strings.TrimSpace(string(plain))
	}
	return s
}

// wait ends it, and expects that it ends well.
func (s *serving) wait() {
	s.t.Helper()
	s.stop()
	<-s.done
	if s.err != nil {
		s.t.Errorf("muster serve: %v", s.err)
	}
}

func (s *serving) file(name string) string {
	s.t.Helper()
	content, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(string(content))
}

// request makes one for the admin.
func (s *serving) request(method, path string, body io.Reader) *http.Request {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	r.SetBasicAuth("admin", s.file("admin-password"))
	return r
}

// must makes a request as the admin and gives the answer's body. The status must be that one.
func (s *serving) must(status int, method, path, body string) string {
	s.t.Helper()
	got, text, err := ask(http.DefaultClient, s.request(method, path, strings.NewReader(body)))
	if err != nil || got != status {
		s.t.Fatalf("%s %s: %d %s, %v, want %d", method, path, got, text, err, status)
	}
	return text
}

// probe asks as anybody may.
func (s *serving) probe(path string) (status int, body string, err error) {
	s.t.Helper()
	r := s.request(http.MethodGet, path, nil)
	r.Header.Del("Authorization")
	return ask(http.DefaultClient, r)
}

func (s *serving) awaitProbe(path string, status int, body string) {
	s.t.Helper()
	s.await(path, func() error {
		got, text, err := s.probe(path)
		if err != nil || got != status || text != body {
			return fmt.Errorf("it answers %d %s, %w, want %d %s", got, text, err, status, body)
		}
		return nil
	})
}

// await tries until there is no error any more.
func (s *serving) await(what string, try func() error) {
	s.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("waited in vain for %s: %v", what, err)
		}
	}
}

func ask(c *http.Client, r *http.Request) (status int, body string, err error) {
	response, err := c.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, strings.TrimSpace(string(text)), err
}
