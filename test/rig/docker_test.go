package rig_test

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
	"github.com/docker/go-connections/nat"

	"muster/test/rig"
)

// An image that was pushed is pulled and run by the machine's own engine, and nothing of it is left.
func TestEngineRunsWhatWasPushed(t *testing.T) {
	engine := rig.Docker(t)
	var id, ref, moved string
	t.Run("run", func(t *testing.T) {
		label := rig.Name("rig-test")
		registry, name := rig.NewRegistry(t), rig.Name("hello")
		registry.Push(t, name, rig.Hello{Version: "v7", Padding: 1})
		pull(t, engine, registry.Addr+"/"+name+":v7")
		before, err := engine.ImageInspect(t.Context(), registry.Addr+"/"+name+":v7")
		must(t, err)
		moved = before.ID
		ref = registry.Push(t, name, rig.Hello{Version: "v7"})
		rig.RemoveContainers(t, engine, label+"=yes")
		pull(t, engine, ref)
		port := strconv.Itoa(rig.FreePorts(t, 1))
		made, err := engine.ContainerCreate(t.Context(),
			&container.Config{Image: ref, Env: []string{"GREETING=good day"}, Labels: map[string]string{label: "yes"}},
			&container.HostConfig{PortBindings: nat.PortMap{"8080/tcp": {{HostIP: "127.0.0.1", HostPort: port}}}},
			nil, nil, "")
		must(t, err)
		id = made.ID
		must(t, engine.ContainerStart(t.Context(), id, container.StartOptions{}))
		if got := get(t, "http://127.0.0.1:"+port+"/"); got != "good day v7\n" {
			t.Errorf("the container says %q", got)
		}
	})
	if _, err := engine.ContainerInspect(t.Context(), id); !errdefs.IsNotFound(err) {
		t.Errorf("after the test the container is there: %v", err)
	}
	for _, image := range []string{ref, moved} {
		if _, err := engine.ImageInspect(t.Context(), image); !errdefs.IsNotFound(err) {
			t.Errorf("after the test the image %s is there: %v", image, err)
		}
	}
}

func pull(t *testing.T, engine *client.Client, ref string) {
	t.Helper()
	stream, err := engine.ImagePull(t.Context(), ref, image.PullOptions{})
	must(t, err)
	defer stream.Close()
	if _, err := io.Copy(io.Discard, stream); err != nil {
		t.Fatal(err)
	}
}

// get reads the page, which may take a moment to be there.
func get(t *testing.T, url string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		must(t, err)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			select {
			case <-ctx.Done():
				t.Fatal(err)
			case <-time.After(20 * time.Millisecond):
			}
			continue
		}
		defer answer.Body.Close()
		var said strings.Builder
		if _, err := io.Copy(&said, answer.Body); err != nil {
			t.Fatal(err)
		}
		return said.String()
	}
}
