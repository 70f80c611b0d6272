package docker_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/test/rig"
	"muster/worker"
	"muster/worker/docker"
)

const mib = 1 << 20

// A pullRig is a registry behind a bad network, and an engine that pulls from it.
type pullRig struct {
	*docker.Engine
	t        *testing.T
	registry *rig.Registry
	proxy    *rig.Proxy
	name     string
}

func newPullRig(t *testing.T) *pullRig {
	t.Helper()
	api := rig.Docker(t)
	r := &pullRig{t: t, registry: rig.NewRegistry(t), name: rig.Name("hello")}
	proxy, err := rig.Toxiproxy(t).NewProxy(t.Context(), r.registry.Addr)
	if err != nil {
		t.Fatal(err)
	}
	r.proxy = proxy
	rig.RemoveImages(t, api, proxy.Addr)
	r.Engine = newEngine(t, api, docker.Options{Device: rig.Name("device")})
	return r
}

// push puts an image into the registry, and returns its reference by way of the bad network.
func (r *pullRig) push(hello rig.Hello) string {
	r.t.Helper()
	r.registry.Push(r.t, r.name, hello)
	return r.proxy.Addr + "/" + r.name + ":" + hello.Version
}

// pull returns every progress that was told.
func (r *pullRig) pull(ref string) (told []worker.PullProgress) {
	r.t.Helper()
	if err := r.Pull(r.t.Context(), ref, func(p worker.PullProgress) { told = append(told, p) }); err != nil {
		r.t.Fatal(err)
	}
	return told
}

func TestPullTellsItsProgress(t *testing.T) {
	r := newPullRig(t)
	ref := r.push(rig.Hello{Version: "v1", Padding: 6 * mib})
	if err := r.proxy.Add(t.Context(), rig.Bandwidth(6000)); err != nil {
		t.Fatal(err)
	}
	told := r.pull(ref)

	between := 0
	var before worker.PullProgress
	for _, p := range told {
		if p.Done < before.Done || p.Total < before.Total || p.Done > p.Total {
			t.Errorf("progress %+v after %+v", p, before)
		}
		if p.Done > 0 && p.Done < p.Total {
			between++
		}
		before = p
	}
	if between < 2 {
		t.Errorf("a pull of a second told %+v, want several stages between nothing and everything", told)
	}
	if before.Done != before.Total || before.Done < 6*mib {
		t.Errorf("ended with %+v, want all of at least 6 MiB", before)
	}
	if id, err := r.ImageID(t.Context(), ref); err != nil || id == "" {
		t.Errorf("ImageID = %q, %v", id, err)
	}
}

func TestPullCountsOnlyWhatIsMissing(t *testing.T) {
	r := newPullRig(t)
	r.pull(r.push(rig.Hello{Version: "v1", Padding: mib}))
	told := r.pull(r.push(rig.Hello{Version: "v2", Padding: 3 * mib})) // the program is in a layer that both have
	if len(told) == 0 {
		t.Fatal("no progress")
	}
	if last := told[len(told)-1]; last.Total < 3*mib || last.Total > 3*mib+mib/2 {
		t.Errorf("ended with %+v, want the 3 MiB of the new layer alone", last)
	}
}

func TestPullTakesTheNewImageOfTheSameTag(t *testing.T) {
	r := newPullRig(t)
	r.pull(r.push(rig.Hello{Version: "v1", Padding: 1000}))
	ref := r.push(rig.Hello{Version: "v1", Padding: 2 * mib})
	if told := r.pull(ref); len(told) == 0 {
		t.Error("nothing was pulled")
	}
	if told := r.pull(ref); len(told) != 0 {
		t.Errorf("pulling the same again told %+v", told)
	}
}

func TestPullErrors(t *testing.T) {
	r := newPullRig(t)
	ref := r.push(rig.Hello{Version: "v1"})
	check := func(what, ref string, cause error, words ...string) {
		t.Helper()
		err := r.Pull(t.Context(), ref, nil)
		if err == nil {
			t.Fatalf("%s: no error", what)
		}
		t.Logf("%s: %v", what, err)
		if cause != nil && !errors.Is(err, cause) {
			t.Errorf("%s: %v, want an error that wraps %q", what, err, cause)
		}
		if cause == nil && (errors.Is(err, worker.ErrNotExist) || errors.Is(err, worker.ErrEngineDown)) {
			t.Errorf("%s: %v is taken for another error", what, err)
		}
		for _, word := range append(words, ref) {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q does not say %q", what, err, word)
			}
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q has more than one line", what, err)
		}
	}
	check("missing tag", strings.TrimSuffix(ref, "v1")+"v9", worker.ErrNotExist, "manifest unknown")
	check("missing name", r.proxy.Addr+"/"+r.name+"-not:v1", worker.ErrNotExist)
	check("bad reference", "Not A Reference", nil, "invalid reference format")
	if err := r.registry.Stop(); err != nil {
		t.Fatal(err)
	}
	check("registry down behind a proxy", ref, nil)
	if err := r.proxy.Disable(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("registry down", ref, nil, "connection refused")
}

// A registry that is cut off in the middle of a layer: the engine tries again by itself, goes on where it was,
// and the pull succeeds once the network is good.
func TestPullSurvivesABrokenConnection(t *testing.T) {
	r := newPullRig(t)
	ref := r.push(rig.Hello{Version: "v1", Padding: 8 * mib})
	broken := rig.LimitData(3 * mib)
	if err := r.proxy.Add(t.Context(), broken); err != nil {
		t.Fatal(err)
	}
	half := make(chan struct{})
	done := make(chan error, 1)
	go func() {
		told := false
		done <- r.Pull(t.Context(), ref, func(p worker.PullProgress) {
			if p.Done > mib && !told {
				close(half)
				told = true
			}
		})
	}()
	select {
	case <-half:
	case err := <-done:
		t.Fatalf("ended before it was half done: %v", err)
	}
	if err := r.proxy.Remove(t.Context(), broken); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestPullEndsWithItsContext(t *testing.T) {
	r := newPullRig(t)
	ref := r.push(rig.Hello{Version: "v1", Padding: 4 * mib})
	if err := r.proxy.Add(t.Context(), rig.Bandwidth(100)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	start := time.Now()
	err := r.Pull(ctx, ref, func(worker.PullProgress) { cancel() })
	if !errors.Is(err, context.Canceled) || err.Error() != "pull "+ref+": context canceled" {
		t.Errorf("Pull: %v, want the context's error with the image's name", err)
	}
	if took := time.Since(start); took > patience {
		t.Errorf("took %v", took)
	}
}

func TestPullFromAnEngineThatDies(t *testing.T) {
	r := newPullRig(t)
	ref := r.push(rig.Hello{Version: "v1", Padding: 4 * mib})
	if err := r.proxy.Add(t.Context(), rig.Bandwidth(1000)); err != nil {
		t.Fatal(err)
	}
	f := newFront(t)
	engine := newEngine(t, rig.Docker(t), docker.Options{Device: rig.Name("device"), Host: f.host()})
	down := false
	err := engine.Pull(t.Context(), ref, func(worker.PullProgress) {
		if !down {
			f.down()
			down = true
		}
	})
	if !errors.Is(err, worker.ErrEngineDown) {
		t.Errorf("Pull: %v, want an error that wraps %q", err, worker.ErrEngineDown)
	}
}

// Answers that the machine's own engine cannot be made to give at will.
func TestPullReadsTheStream(t *testing.T) {
	f := newFront(t)
	engine := newEngine(t, rig.Docker(t), docker.Options{Device: rig.Name("device"), Host: f.host()})
	for _, test := range []struct {
		name   string
		stream []string
		told   []worker.PullProgress
		err    string
		cause  error
	}{
		{
			name: "two layers, a third is there",
			stream: []string{
				`{"status":"Pulling from a","id":"b"}`,
				`{"status":"Already exists","progressDetail":{},"id":"l0"}`,
				`{"status":"Pulling fs layer","progressDetail":{},"id":"l1"}`,
				`{"status":"Waiting","progressDetail":{},"id":"l2"}`,
				`{"status":"Downloading","progressDetail":{"current":10,"total":100},"progress":"[=>]","id":"l1"}`,
				`{"status":"Downloading","progressDetail":{"current":1,"total":1000},"id":"l2"}`,
				`{"status":"Verifying Checksum","progressDetail":{},"id":"l1"}`,
				`{"status":"Download complete","progressDetail":{},"id":"l1"}`,
				`{"status":"Extracting","progressDetail":{"current":50,"total":100},"id":"l1"}`,
				`{"status":"Download complete","progressDetail":{},"id":"l2"}`,
				`{"status":"Pull complete","progressDetail":{},"id":"l2"}`,
				`{"status":"Status: Downloaded newer image for a:b"}`,
			},
			told: []worker.PullProgress{{Done: 10, Total: 100}, {Done: 11, Total: 1100}, {Done: 101, Total: 1100}, {Done: 101, Total: 1100}, {Done: 1100, Total: 1100}},
		},
		{
			name: "sizes that are missing or wrong",
			stream: []string{
				`{"status":"Downloading","progressDetail":{"current":10},"id":"l1"}`,
				`{"status":"Downloading","progressDetail":{"current":10,"total":-1},"id":"l1"}`,
				`{"status":"Downloading","progressDetail":{"current":110,"total":100},"id":"l2"}`,
			},
			told: []worker.PullProgress{{Done: 100, Total: 100}},
		},
		{
			name:   "no space",
			stream: []string{`{"errorDetail":{"message":"write x: no space left on device"},"error":"write x: no space left on device"}`},
			err:    "pull a:b: the disk is full: write x: no space left on device",
		},
		{
			name:   "no such tag",
			stream: []string{`{"error":"manifest for a:b not found: manifest unknown: no such b"}`},
			err:    "pull a:b: registry docker.io does not have the image: manifest for a:b not found: manifest unknown: no such b",
			cause:  worker.ErrNotExist,
		},
		{
			name:   "nonsense",
			stream: []string{`<html>`},
			err:    "pull a:b: the engine's answer: invalid character '<' looking for beginning of value",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			refuse := func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, "/images/create") {
					return false
				}
				_, _ = w.Write([]byte(strings.Join(test.stream, "\r\n")))
				return true
			}
			f.refuse.Store(&refuse)
			var told []worker.PullProgress
			err := engine.Pull(t.Context(), "a:b", func(p worker.PullProgress) { told = append(told, p) })
			if !slices.Equal(told, test.told) {
				t.Errorf("told %+v, want %+v", told, test.told)
			}
			if said := fmt.Sprint(err); err != nil && said != test.err || err == nil && test.err != "" {
				t.Errorf("Pull: %v, want %q", err, test.err)
			}
			if test.cause != nil && !errors.Is(err, test.cause) {
				t.Errorf("Pull: %v, want an error that wraps %q", err, test.cause)
			}
		})
	}
}
