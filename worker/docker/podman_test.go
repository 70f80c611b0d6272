package docker_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"testing"

	"muster/test/rig"
	"muster/worker"
	"muster/worker/docker"
)

// Podman's socket speaks the Docker API. Its own quirks are in docs/decisions/devices.md.
func TestPodmanKeepsTheContract(t *testing.T) {
	api, host := rig.Podman(t)
	// Podman leaves it to timers of systemd to run the health checks. There may be no systemd where tests run.
	keepsTheContract(t, api, host, func(ctx context.Context, id string) {
		url := "http://podman/v4.0.0/libpod/containers/" + id + "/healthcheck"
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Error(err)
			return
		}
		// What comes of it is the container's state; the test looks at that.
		if answer, err := api.HTTPClient().Do(request); err == nil {
			_ = answer.Body.Close()
		}
	})
}

func TestPodmanNamesWhatIsInTheWay(t *testing.T) {
	api, host := rig.Podman(t)
	image := rig.NewRegistry(t).Push(t, rig.Name("hello"), rig.Hello{Version: "v1"})
	b := &bench{t: t, api: api, device: rig.Name("device"), image: image}
	b.Engine = newEngine(t, api, docker.Options{Device: b.device, Host: host})
	b.must(b.Pull(t.Context(), image, nil))

	spec := b.spec(nil)
	id, err := b.Create(t.Context(), spec)
	b.must(err)
	listener := listen(t, spec.Ports[0].Host)
	if err := b.Start(t.Context(), id); !errors.Is(err, worker.ErrConflict) {
		t.Errorf("Start with a port that another program has: %v, want an error that wraps %q", err, worker.ErrConflict)
	}
	b.must(listener.Close())
	b.must(b.Start(t.Context(), id))
	if got := b.get(spec, "/"); got != "hello v1\n" {
		t.Errorf("the container says %q", got)
	}
	made, err := api.ContainerInspect(t.Context(), id)
	b.must(err)
	joined := slices.Sorted(maps.Keys(made.NetworkSettings.Networks))
	if want := []string{"nebula", "podman"}; !slices.Equal(joined, want) { // "bridge" is Podman's default network
		t.Errorf("joined %v, want %v", joined, want)
	}
}
