package docker_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"muster/test/rig"
	"muster/worker/docker"
)

// Where the worker cannot see the engine's disk, it says so, and does not take another one for it.
func TestFreeThatCannotBeSeen(t *testing.T) {
	api := rig.Docker(t)
	f := newFront(t)
	f.proxy.ModifyResponse = func(r *http.Response) error {
		said, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		said = regexp.MustCompile(`"DockerRootDir":"[^"]*"`).ReplaceAll(said, []byte(`"DockerRootDir":"/not/here"`))
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(string(said))), int64(len(said))
		r.Header.Del("Content-Length")
		return nil
	}
	engine := newEngine(t, api, docker.Options{Device: rig.Name("device"), Host: f.host()})
	if free, err := engine.Free(t.Context()); err == nil || !strings.Contains(err.Error(), "/not/here") || !strings.Contains(err.Error(), "as a volume") {
		t.Errorf("Free of a directory that is not here: %d, %v, want an error that names it and says what to do", free, err)
	}

	server := httptest.NewServer(f)
	defer server.Close()
	host := strings.Replace(server.URL, "http://", "tcp://", 1)
	engine = newEngine(t, api, docker.Options{Device: rig.Name("device"), Host: host})
	if free, err := engine.Free(t.Context()); err == nil || !strings.Contains(err.Error(), "another machine") {
		t.Errorf("Free of an engine at %s: %d, %v, want an error", host, free, err)
	}
}

// An image that several names and repositories have goes as a whole.
func TestRemoveImageWithSeveralNames(t *testing.T) {
	api := rig.Docker(t)
	registry := rig.NewRegistry(t)
	hello := rig.Hello{Version: rig.Name("v")}
	first, second := registry.Push(t, rig.Name("first"), hello), registry.Push(t, rig.Name("second"), hello)
	engine := newEngine(t, api, docker.Options{Device: rig.Name("device")})
	for _, ref := range []string{first, second} {
		if err := engine.Pull(t.Context(), ref, nil); err != nil {
			t.Fatal(err)
		}
	}
	id, err := engine.ImageID(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	if other, err := engine.ImageID(t.Context(), second); err != nil || other != id {
		t.Fatalf("the two names are of %s and %s, %v, want one image", id, other, err)
	}
	if err := engine.RemoveImage(t.Context(), id); err != nil {
		t.Errorf("RemoveImage: %v", err)
	}
	for _, ref := range []string{first, second, id} {
		if left, err := engine.ImageID(t.Context(), ref); err != nil || left != "" {
			t.Errorf("%s is still there: %q, %v", ref, left, err)
		}
	}
}
