package selfcheck_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"muster/topics"
	"muster/worker"
	"muster/worker/enginetest"
	"muster/worker/selfcheck"
)

type facts func() (worker.Facts, error)

func (f facts) Facts(context.Context) (worker.Facts, error) { return f() }

func answers() (worker.Facts, error) { return worker.Facts{CPUs: 1, MemoryMB: 1}, nil }

// healthy is a device on which nothing is missing, with an engine's socket.
func healthy(t *testing.T) selfcheck.Options {
	t.Helper()
	path := filepath.Join(t.TempDir(), "engine.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return selfcheck.Options{Host: "unix://" + path, Engine: facts(answers), StateDir: t.TempDir(), Built: time.Now().Add(-time.Hour)}
}

// says checks that there is one problem, which contains the words; none if there are none.
func says(t *testing.T, o selfcheck.Options, words ...string) {
	t.Helper()
	got := selfcheck.Run(t.Context(), o)
	if len(words) == 0 && len(got) == 0 {
		return
	}
	if len(got) != 1 || len(words) == 0 {
		t.Fatalf("problems are %q, want %q", got, words)
	}
	for _, w := range words {
		if !strings.Contains(got[0], w) || strings.Contains(got[0], "\n") {
			t.Errorf("the problem is %q, want %q in one line", got[0], w)
		}
	}
}

func TestNothingIsMissing(t *testing.T) {
	o := healthy(t)
	says(t, o)
	if left, err := os.ReadDir(o.StateDir); err != nil || len(left) != 0 {
		t.Errorf("the check leaves %v, %v", left, err)
	}
}

func TestEngine(t *testing.T) {
	o := healthy(t)
	missing := o
	missing.Host = "unix:///nowhere/engine.sock"
	says(t, missing, "there is no socket /nowhere/engine.sock", "--docker-host")

	dead := o
	dead.Host = "unix://" + filepath.Join(t.TempDir(), "dead.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: strings.TrimPrefix(dead.Host, "unix://"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	says(t, dead, "nothing answers", "is the engine started?")

	ill := o
	ill.Engine = facts(func() (worker.Facts, error) { return worker.Facts{}, errors.New("not today") })
	says(t, ill, "of no use yet: not today")

	far := ill
	far.Host = "tcp://192.0.2.1:2376"
	says(t, far, "tcp://192.0.2.1:2376")
}

// asNobody runs the rest of the test as a user who may do nothing special.
func asNobody(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	const nobody = 65534
	if err := syscall.Seteuid(nobody); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Seteuid(0); err != nil {
			panic(err) // what runs next would fail for no reason of its own
		}
	})
}

func TestPermissions(t *testing.T) {
	o := healthy(t)
	for path := filepath.Dir(strings.TrimPrefix(o.Host, "unix://")); path != "/tmp" && path != "/"; path = filepath.Dir(path) {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(strings.TrimPrefix(o.Host, "unix://"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(o.StateDir, 0o500); err != nil {
		t.Fatal(err)
	}
	asNobody(t)
	got := selfcheck.Run(t.Context(), o)
	if len(got) != 2 || !strings.Contains(got[0], "no permission") || !strings.Contains(got[1], "may not be written") {
		t.Errorf("problems are %q", got)
	}
}

func TestFullDisk(t *testing.T) {
	o := healthy(t)
	if err := os.Symlink("/dev/full", filepath.Join(o.StateDir, "self-check.tmp")); err != nil {
		t.Fatal(err)
	}
	says(t, o, "is full", o.StateDir)
	says(t, o) // and the check of the next start is one of that moment
}

func TestReadOnlyFileSystem(t *testing.T) {
	o := healthy(t)
	o.StateDir = "/proc/sys/kernel" // no file can be made there, whoever asks
	got := selfcheck.Run(t.Context(), o)
	if len(got) != 1 || !strings.Contains(got[0], "/proc/sys/kernel") {
		t.Errorf("problems are %q", got)
	}
}

func TestClock(t *testing.T) {
	o := healthy(t)
	early := o
	early.Built = time.Now().Add(time.Hour)
	says(t, early, "before this program was built")
	unknown := o
	unknown.Built = time.Time{}
	says(t, unknown)

	for ahead, words := range map[time.Duration][]string{23 * time.Hour: nil, 25 * time.Hour: {"the config was issued at"}} {
		o := o
		o.StateDir = held(t, time.Now().Add(ahead))
		says(t, o, words...)
	}
}

// held is the state directory of a worker that has taken a config of that time.
func held(t *testing.T, issued time.Time) (dir string) {
	t.Helper()
	dir = t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		payload, err := topics.EncodeConfig(topics.Version{Epoch: "01ARZ3NDEKTSV4RRFFQ69G5FAV", ConfigID: 1}, issued, topics.Content{DeviceGroup: "g", DeviceGroupID: 1})
		if err != nil {
			t.Fatal(err)
		}
		config, err := topics.ParseConfig(payload)
		if err != nil {
			t.Fatal(err)
		}
		l := &oneConfig{configs: make(chan worker.Offered, 1)}
		l.configs <- worker.Offered{Config: config, Payload: payload, From: "retained"}
		w, err := worker.New(worker.Options{Group: "g", StateDir: dir, Engine: enginetest.NewMachine().Engine("d"), Link: l})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.Run(ctx) }()
		synctest.Wait()
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
	return dir
}

// oneConfig is a link that brings one config.
type oneConfig struct {
	configs chan worker.Offered
}

func (l *oneConfig) Configs() <-chan worker.Offered { return l.configs }
func (l *oneConfig) SetReport(topics.Report)        {}
func (l *oneConfig) Have(topics.Version)            {}
func (l *oneConfig) Progress(topics.Progress)       {}
func (l *oneConfig) Run(ctx context.Context) error  { <-ctx.Done(); return nil }
