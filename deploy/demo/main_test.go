package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"muster/test/rig"
	"muster/worker"
)

// The demo shows a container that answers, its own advice changes it, it cleans up, and it can be run again.
func TestDemo(t *testing.T) {
	engine := rig.Docker(t)
	bin, dir := programs(t), t.TempDir()
	n := names{app: rig.Name("demo"), device: rig.Name("demo-device")}
	for round := range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		var stdout screen
		done := make(chan error, 1)
		go func() { done <- run(ctx, n, bin, dir, &stdout) }()
		text := stdout.await(t, done, "Ctrl-C ends it")
		if !strings.Contains(text, "says: Hello from Muster, v1") {
			t.Errorf("round %d: no answer of the example:\n%s", round, text)
		}
		app := regexp.MustCompile(`curl (http://127\.0\.0\.1:\d+/)\n`).FindStringSubmatch(text)
		change := regexp.MustCompile(`-X PUT https://(127\.0\.0\.1:\d+)/api/v2/apps/` + n.app + `/update \\\n\s+-d '([^']+)'`).FindStringSubmatch(text)
		if app == nil || change == nil {
			t.Fatalf("round %d: the advice has no curl lines:\n%s", round, text)
		}
		password, err := os.ReadFile(filepath.Join(dir, "data", passwordFile))
		if err != nil {
			t.Fatal(err)
		}
		rest, err := newClient(change[1], strings.TrimSpace(string(password)), filepath.Join(dir, "data"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := rest.call(ctx, "PUT", "/apps/"+n.app+"/update", raw(change[2]), nil); err != nil {
			t.Fatal(err)
		}
		device := regexp.MustCompile(`muster describe device (\S+)\n`).FindStringSubmatch(text)
		if device == nil {
			t.Fatalf("round %d: there is no advice about the device:\n%s", round, text)
		}
		var known struct {
			Identity struct{ State string }
		}
		if _, err := rest.call(ctx, "GET", "/devices/"+device[1], nil, &known); err != nil || known.Identity.State != "active" {
			t.Errorf("round %d: the device's identity is %+v, %v", round, known.Identity, err)
		}
		if err := poll(ctx, time.Minute, func(ctx context.Context) error {
			answer, err := get(ctx, app[1])
			if err == nil && !strings.HasPrefix(answer, "It changed, v1") {
				err = fmt.Errorf("it answers %q", answer)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("round %d ended with %v:\n%s", round, err, stdout.String())
		}
		left, err := engine.ContainerList(t.Context(), container.ListOptions{
			All: true, Filters: filters.NewArgs(filters.Arg("label", worker.LabelDevice+"="+n.device)),
		})
		if err != nil || len(left) > 0 {
			t.Errorf("round %d leaves containers: %v, %v", round, left, err)
		}
		// The next round meets another program at the manager's old port, one that never answers.
		other, err := net.Listen("tcp", change[1])
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
	}
}

// A demo that is killed takes its programs with it: they would have the next one's ports and data.
func TestProcessEndsWithTheDemo(t *testing.T) {
	if data := os.Getenv("DEMO_TEST_DATA"); data != "" { // the demo that is to be killed
		p, err := startProcess(os.Stdout, "manager", "", filepath.Join(os.Getenv("DEMO_TEST_BIN"), "muster"), "serve",
			"--data-dir", data, "--http-addr", "127.0.0.1:0", "--mqtt-addr", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		<-p.done
		t.Fatal("the manager ended first")
	}
	dataDir := t.TempDir()
	demo := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	demo.Env = append(os.Environ(), "DEMO_TEST_DATA="+dataDir, "DEMO_TEST_BIN="+programs(t))
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	kill := sync.OnceFunc(func() {
		_ = demo.Process.Kill()
		_ = demo.Wait()
	})
	defer kill()
	var addr string
	reach := func(ctx context.Context) error {
		content, err := os.ReadFile(filepath.Join(dataDir, httpsFile))
		if err != nil {
			return err
		}
		addr = strings.TrimSpace(string(content))
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err
	}
	if err := poll(t.Context(), time.Minute, reach); err != nil {
		t.Fatal(err)
	}
	kill()
	if err := poll(t.Context(), 20*time.Second, func(ctx context.Context) error {
		if reach(ctx) == nil {
			return fmt.Errorf("the manager still listens at %s", addr)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// programs is a folder with Muster's programs.
func programs(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	for _, name := range []string{"muster", "muster-worker"} {
		if err := os.Symlink(rig.Build(t, "muster/cmd/"+name), filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	return bin
}

// A server that accepts and never answers does not hold the demo up for longer than it says.
func TestPollEndsTheTry(t *testing.T) {
	err := poll(t.Context(), time.Millisecond, func(ctx context.Context) error {
		<-ctx.Done()
		return errors.New("no answer")
	})
	if err == nil || err.Error() != "not within 1ms: no answer" {
		t.Errorf("poll: %v", err)
	}
}

// raw is JSON as it was printed.
type raw string

func (r raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }

// A screen collects what is printed.
type screen struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// await waits until text appears, and gives all that was printed.
func (s *screen) await(t *testing.T, done <-chan error, text string) string {
	t.Helper()
	if err := poll(t.Context(), 3*time.Minute, func(context.Context) error {
		select {
		case err := <-done:
			t.Fatalf("the demo ended: %v\n%s", err, s)
		default:
		}
		if !strings.Contains(s.String(), text) {
			return errors.New("not printed yet")
		}
		return nil
	}); err != nil {
		t.Fatalf("%v:\n%s", err, s)
	}
	return s.String()
}
