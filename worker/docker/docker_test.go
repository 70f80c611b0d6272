package docker_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/client"

	"muster/test/rig"
	"muster/worker"
	"muster/worker/docker"
)

// patience is how long tests wait for what the engine does by itself.
const patience = 30 * time.Second

// newEngine makes an engine whose containers are removed when the test ends.
func newEngine(t *testing.T, api *client.Client, opts docker.Options) *docker.Engine {
	t.Helper()
	rig.RemoveContainers(t, api, worker.LabelDevice+"="+opts.Device)
	engine, err := docker.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return engine
}

// A bench is an engine with an image that it has pulled.
type bench struct {
	*docker.Engine
	t      *testing.T
	api    *client.Client
	device string
	image  string
}

func newBench(t *testing.T, hello rig.Hello) *bench {
	t.Helper()
	api := rig.Docker(t)
	b := &bench{t: t, api: api, device: rig.Name("device"), image: rig.NewRegistry(t).Push(t, rig.Name("hello"), hello)}
	b.Engine = newEngine(t, api, docker.Options{Device: b.device})
	b.must(b.Pull(t.Context(), b.image, nil))
	return b
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// spec is one that publishes the image's port; change may be nil.
func (b *bench) spec(change func(*worker.Spec)) worker.Spec {
	b.t.Helper()
	spec := worker.Spec{
		App: rig.Name("app"), AppID: 1, Image: b.image,
		Ports:    []worker.PortBinding{{Host: rig.FreePorts(b.t, 1), Container: 8080}},
		Networks: []string{"nebula", "bridge"},
	}
	if change != nil {
		change(&spec)
	}
	return spec
}

// run creates and starts a container.
func (b *bench) run(spec worker.Spec) (id string) {
	b.t.Helper()
	id, err := b.Create(b.t.Context(), spec)
	b.must(err)
	b.must(b.Start(b.t.Context(), id))
	return id
}

// state is that of the only container.
func (b *bench) state() string {
	b.t.Helper()
	list, err := b.List(b.t.Context())
	b.must(err)
	if len(list) != 1 {
		b.t.Fatalf("List = %+v, want one container", list)
	}
	return list[0].State
}

// get reads a page of the container that publishes its port 8080 as spec says.
func (b *bench) get(spec worker.Spec, path string) string {
	b.t.Helper()
	return b.call(http.MethodGet, spec.Ports[0].Host, path, "")
}

// file reads a file in the container.
func (b *bench) file(spec worker.Spec, path string) string {
	b.t.Helper()
	return b.get(spec, "/file?path="+url.QueryEscape(path))
}

// write writes a file in the container and returns what went wrong.
func (b *bench) write(spec worker.Spec, path, content string) string {
	b.t.Helper()
	return b.call(http.MethodPut, spec.Ports[0].Host, "/file?path="+url.QueryEscape(path), content)
}

// call makes a request to a port of this machine as soon as something answers there.
func (b *bench) call(method string, port int, path, body string) (said string) {
	b.t.Helper()
	b.eventually("an answer", func() error {
		request, err := http.NewRequestWithContext(b.t.Context(), method, "http://127.0.0.1:"+strconv.Itoa(port)+path, strings.NewReader(body))
		b.must(err)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		content, err := io.ReadAll(answer.Body)
		said = string(content)
		return err
	})
	return said
}

// eventually tries until it succeeds.
func (b *bench) eventually(what string, try func() error) {
	b.t.Helper()
	eventually(b.t, what, try)
}

func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	deadline := time.After(patience)
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("no %s within %v: %v", what, patience, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, opts := range map[string]docker.Options{
		"no device":  {},
		"bad device": {Device: "a/b"},
		"bad host":   {Device: "d", Host: "nowhere"},
	} {
		if engine, err := docker.New(opts); err == nil {
			t.Errorf("%s: no error", name)
			_ = engine.Close()
		}
	}
}

func TestFactsAreTheMachines(t *testing.T) {
	engine := newEngine(t, rig.Docker(t), docker.Options{Device: rig.Name("device")})
	facts, err := engine.Facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	meminfo, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		t.Fatal(err)
	}
	kib, err := strconv.Atoi(strings.Fields(string(meminfo))[1])
	if err != nil {
		t.Fatal(err)
	}
	if facts.MemoryMB != kib/1024 {
		t.Errorf("MemoryMB = %d, want %d", facts.MemoryMB, kib/1024)
	}
	if facts.CPUs < 1 {
		t.Errorf("CPUs = %d", facts.CPUs)
	}
}

func TestEngineThatDoesNotAnswer(t *testing.T) {
	engine, err := docker.New(docker.Options{Device: "d", Host: "unix://" + t.TempDir() + "/nobody.sock"})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	ctx := t.Context()
	for name, call := range map[string]func(context.Context) error{
		"Facts":   func(ctx context.Context) error { _, err := engine.Facts(ctx); return err },
		"List":    func(ctx context.Context) error { _, err := engine.List(ctx); return err },
		"ImageID": func(ctx context.Context) error { _, err := engine.ImageID(ctx, "a"); return err },
		"Pull":    func(ctx context.Context) error { return engine.Pull(ctx, "a", nil) },
		"Create": func(ctx context.Context) error {
			_, err := engine.Create(ctx, worker.Spec{App: "a", Image: "a"})
			return err
		},
		"Start":  func(ctx context.Context) error { return engine.Start(ctx, "a") },
		"Remove": func(ctx context.Context) error { return engine.Remove(ctx, "a") },
	} {
		err := call(ctx)
		if !errors.Is(err, worker.ErrEngineDown) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line that wraps %q", name, err, worker.ErrEngineDown)
		}
	}
}
