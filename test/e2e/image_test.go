package e2e

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	dockerbuild "github.com/docker/docker/api/types/build"
	"github.com/docker/docker/api/types/container"

	"muster/test/rig"
)

// buildWorkerImage builds deploy/device/Dockerfile with the worker in it.
func (in *installation) buildWorkerImage(tag string) {
	in.t.Helper()
	program := filepath.Join(in.t.TempDir(), "muster-worker")
	compile := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "muster/cmd/muster-worker")
	compile.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := compile.CombinedOutput(); err != nil {
		in.t.Fatalf("%v\n%s", err, out)
	}
	var files bytes.Buffer
	archive := tar.NewWriter(&files)
	for name, path := range map[string]string{"Dockerfile": "../../deploy/device/Dockerfile", "muster-worker-linux-test": program} {
		content, err := os.ReadFile(path)
		if err == nil {
			err = archive.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))})
		}
		if err == nil {
			_, err = archive.Write(content)
		}
		if err != nil {
			in.t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		in.t.Fatal(err)
	}
	arch := "test"
	built, err := in.engine.ImageBuild(in.t.Context(), &files, dockerbuild.ImageBuildOptions{
		Tags: []string{tag}, BuildArgs: map[string]*string{"TARGETARCH": &arch}, Remove: true, ForceRemove: true,
	})
	if err != nil {
		in.t.Fatal(err)
	}
	defer built.Body.Close()
	for decoder := json.NewDecoder(built.Body); ; {
		var line struct{ Error string }
		if err := decoder.Decode(&line); errors.Is(err, io.EOF) {
			return
		} else if err != nil || line.Error != "" {
			in.t.Fatalf("docker build: %v %s", err, line.Error)
		}
	}
}

// The worker runs from its image FROM scratch, with the engine's socket, as deploy/device/README.md says.
func TestWorkerInAContainer(t *testing.T) {
	engine := rig.OwnEngine(t, rig.EngineOptions{})
	t.Setenv("DOCKER_HOST", engine.Host)
	in := install(t, nil)
	in.buildWorkerImage("muster-worker")
	d := in.newDevice("shops")
	info, err := engine.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	made, err := engine.ContainerCreate(t.Context(), &container.Config{
		Image: "muster-worker",
		Cmd:   []string{"--broker-url", "mqtt://" + in.mqttAddr, "--device-group", "shops", "--device", d.name},
	}, &container.HostConfig{
		NetworkMode: "host", RestartPolicy: container.RestartPolicy{Name: "always"},
		Resources: container.Resources{Memory: 64 << 20},
		Binds: []string{
			strings.TrimPrefix(engine.Host, "unix://") + ":/var/run/docker.sock", "muster-worker:/state",
			info.DockerRootDir + ":" + info.DockerRootDir + ":ro",
		},
	}, nil, nil, "muster-worker")
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.ContainerStart(t.Context(), made.ID, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	app := in.registry.Push(t, "hello", rig.Hello{Version: "v1"})
	port := rig.FreePorts(t, 1)
	in.must("POST", "/apps/web", fields{"docker_image": app, "starting_ports": []any{fields{itoa(port): "8080"}}})
	in.must("POST", "/device_groups/shops", fields{"apps": []string{"web"}, "cron_jobs": []string{}})
	in.awaitAnswer(port, "hello v1")

	// After a restart it goes on from its volume.
	before := d.life("web-1")
	if err := engine.ContainerRestart(t.Context(), made.ID, container.StopOptions{}); err != nil {
		t.Fatal(err)
	}
	in.must("PATCH", "/apps/web/update", fields{"env_vars": fields{"GREETING": "hi"}})
	in.awaitAnswer(port, "hi v1")
	if now := d.life("web-1"); now == before {
		t.Error("the app was not updated")
	}
	if inspected, err := engine.ImageInspect(t.Context(), "muster-worker"); err != nil || len(inspected.RootFS.Layers) != 1 {
		t.Errorf("the image has the layers %v (%v), want the program alone", inspected.RootFS.Layers, err)
	}
}
