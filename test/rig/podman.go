package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"
)

// podmanPatience is how long a Podman may take to answer after its start.
const podmanPatience = 30 * time.Second

// podmanSettings keep a test's Podman away from the machine's own: its locks, its networks, its events. Systemd, which
// a machine of tests may not have, is not needed.
const podmanSettings = `[containers]
default_ulimits = ["nofile=%d:%[1]d", "nproc=4096:4096"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
tmp_dir = %q
static_dir = %q
volume_path = %q
[network]
network_config_dir = %q
`

// podmanRegistries have Podman take registries on loopback without TLS, as Docker does by itself.
const podmanRegistries = `[[registry]]
prefix = "127.0.0.1"
location = "127.0.0.1"
insecure = true
`

// Podman starts "podman system service" with a storage, networks and a socket of its own, and returns a client of
// it. All that it has is removed when the test ends. A test without Podman, or not run by root, fails.
func Podman(t testing.TB) (engine *client.Client, host string) {
	t.Helper()
	if _, err := exec.LookPath("podman"); err != nil {
		t.Fatal("this test needs Podman: apt-get install podman")
	}
	// A socket's path may have about a hundred characters, and a test's own directory can have more.
	dir, err := os.MkdirTemp("", "podman") //nolint:usetesting
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Podman may leave its storage mounted on itself. If it cannot be unmounted, it cannot be removed either.
		_ = syscall.Unmount(filepath.Join(dir, "root", "overlay"), syscall.MNT_DETACH)
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("clean up Podman: %v", err)
		}
	})
	p := &podman{dir: dir}
	if err := p.configure(); err != nil {
		t.Fatal(err)
	}
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("podman said:\n%s", &p.log)
		}
	})
	host = "unix://" + p.path("podman.sock")
	engine, err = client.NewClientWithOpts(client.WithHost(host), client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	cleanup(t, func(ctx context.Context) {
		if err := emptyPodman(ctx, engine); err != nil {
			t.Errorf("clean up Podman: %v", err)
		}
	})
	if err := p.awaitReady(t.Context(), engine); err != nil {
		t.Fatal(err)
	}
	engine.NegotiateAPIVersion(t.Context()) // left to the first call, it is a data race of those that come together
	return engine, host
}

// emptyPodman removes what has mounts and interfaces on the machine.
func emptyPodman(ctx context.Context, engine *client.Client) (err error) {
	containers, err := engine.ContainerList(ctx, container.ListOptions{All: true})
	for _, c := range containers {
		err = errors.Join(err, engine.ContainerRemove(ctx, c.ID, container.RemoveOptions{Force: true, RemoveVolumes: true}))
	}
	networks, listed := engine.NetworkList(ctx, network.ListOptions{})
	err = errors.Join(err, listed)
	for _, n := range networks {
		if n.Name != "bridge" { // which cannot be removed, and is gone with its last container
			err = errors.Join(err, engine.NetworkRemove(ctx, n.ID))
		}
	}
	return err
}

// A podman is the process of one.
type podman struct {
	dir    string
	cmd    *exec.Cmd
	log    bytes.Buffer
	exited chan struct{} // closed when the process has ended
}

func (p *podman) path(name string) string { return filepath.Join(p.dir, name) }

// configure writes the files that [podman.start] names.
func (p *podman) configure() error {
	// Podman would give containers more files and processes than a machine of tests may.
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return err
	}
	settings := fmt.Sprintf(podmanSettings, files.Max, p.path("tmp"), p.path("libpod"), p.path("volumes"), p.path("networks"))
	return errors.Join(
		os.WriteFile(p.path("containers.conf"), []byte(settings), 0o600),
		os.WriteFile(p.path("registries.conf"), []byte(podmanRegistries), 0o600),
		os.WriteFile(p.path("policy.json"), []byte(`{"default": [{"type": "insecureAcceptAnything"}]}`), 0o600),
	)
}

func (p *podman) start() error {
	// The guard has it end with the tests, however they end.
	p.cmd = exec.Command("podman",
		"--root", p.path("root"), "--runroot", p.path("run"), "--tmpdir", p.path("tmp"),
		"system", "service", "--time", "0", "unix://"+p.path("podman.sock"))
	p.cmd.Env = append(os.Environ(), "CONTAINERS_CONF="+p.path("containers.conf"), "CONTAINERS_REGISTRIES_CONF="+p.path("registries.conf"))
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start podman: %w", err)
	}
	p.exited = make(chan struct{})
	go func() {
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	return nil
}

func (p *podman) awaitReady(ctx context.Context, engine *client.Client) error {
	deadline := time.Now().Add(podmanPatience)
	for {
		_, err := engine.Ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("podman ended at its start: %s", &p.log)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("podman does not answer: %w", err)
		}
	}
}

func (p *podman) stop() error {
	_ = p.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.exited:
		return nil
	case <-time.After(podmanPatience):
		_ = p.cmd.Process.Kill()
		<-p.exited
		return errors.New("podman had to be killed")
	}
}
