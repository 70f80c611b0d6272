package rig_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"
	"github.com/docker/go-connections/nat"

	"muster/test/rig"
)

// A test does to its own engine what it likes, and what was kept comes back.
func TestOwnEngine(t *testing.T) {
	for _, live := range []bool{false, true} {
		t.Run(fmt.Sprint("live restore ", live), func(t *testing.T) {
			t.Parallel()
			var traces traces
			before, _ := net.InterfaceByName("docker0") // the machine's engine may have no network
			t.Run("while it lasts", func(t *testing.T) { traces = everythingToAnEngine(t, live) })
			traces.areGone(t)
			after, err := net.InterfaceByName("docker0")
			if before != nil && (err != nil || after.Index != before.Index) {
				t.Errorf("the bridge of the machine's own engine was %+v, and is %+v, %v", before, after, err)
			}
		})
	}
}

// everythingToAnEngine returns what must be gone when the test has ended.
func everythingToAnEngine(t *testing.T, live bool) traces {
	registry := rig.NewRegistry(t)
	ref := registry.Push(t, "hello", rig.Hello{Version: "v1"})
	e := rig.OwnEngine(t, rig.EngineOptions{LiveRestore: live})
	pull(t, e.Client, ref)
	made, err := e.NetworkCreate(t.Context(), "own", network.CreateOptions{})
	must(t, err)
	port := strconv.Itoa(rig.FreePorts(t, 1))
	c, err := e.ContainerCreate(t.Context(), &container.Config{Image: ref}, &container.HostConfig{
		NetworkMode: container.NetworkMode(made.ID), RestartPolicy: container.RestartPolicy{Name: "always"},
		PortBindings: nat.PortMap{"8080/tcp": {{HostIP: "127.0.0.1", HostPort: port}}},
	}, nil, nil, "hello")
	must(t, err)
	must(t, e.ContainerStart(t.Context(), c.ID, container.StartOptions{}))
	answers := func() {
		t.Helper()
		if got := get(t, "http://127.0.0.1:"+port+"/"); got != "hello v1\n" {
			t.Errorf("the container says %q", got)
		}
	}
	answers()
	for _, how := range []struct {
		name    string
		down    func()
		survive bool
	}{{"kill", e.Kill, live}, {"stop", e.Stop, live}, {"power cut", e.PowerCut, false}, {"kill again", e.Kill, live}} {
		before := startedAt(t, e, c.ID)
		how.down()
		if _, err := e.Ping(t.Context()); err == nil {
			t.Errorf("after a %s the engine answers", how.name)
		}
		e.Start()
		answers()
		if after := startedAt(t, e, c.ID); (after == before) != how.survive {
			t.Errorf("%s: the container was started at %s, is at %s; it is to run on: %v", how.name, before, after, how.survive)
		}
	}
	bridge, err := e.NetworkInspect(t.Context(), "bridge", network.InspectOptions{})
	must(t, err)
	name := bridge.Options["com.docker.network.bridge.name"]
	links := []string{name, "br-" + made.ID[:12]}
	for i, bridge := range links {
		// As an engine leaves it that is killed before the container has its end.
		link := fmt.Sprintf("%s-%d", strings.TrimPrefix(name, "muster-"), i)
		for _, args := range [][]string{{"add", link, "type", "veth", "peer", "name", link + "p"}, {"set", link, "master", bridge}} {
			if said, err := exec.Command("ip", append([]string{"link"}, args...)...).CombinedOutput(); err != nil {
				t.Fatalf("ip link %s: %v: %s", args, err, said)
			}
		}
		links = append(links, link)
	}
	for _, link := range links {
		if _, err := net.InterfaceByName(link); err != nil {
			t.Errorf("while the engine runs: %s: %v", link, err)
		}
	}
	return traces{dir: filepath.Dir(e.Data), links: links, cgroup: name}
}

// traces are what an engine has on the machine while it runs.
type traces struct {
	dir    string
	links  []string
	cgroup string
}

func startedAt(t *testing.T, e *rig.Engine, id string) string {
	t.Helper()
	inspected, err := e.ContainerInspect(t.Context(), id)
	must(t, err)
	return inspected.State.StartedAt
}

// areGone checks that no file, mount, process, network interface and cgroup is left.
func (l traces) areGone(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(l.dir); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", l.dir, err)
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	must(t, err)
	if strings.Contains(string(mounts), l.dir) {
		t.Errorf("a mount is left:\n%s", mounts)
	}
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	must(t, err)
	for _, path := range commands {
		if command, err := os.ReadFile(path); err == nil && strings.Contains(string(command), l.dir) {
			t.Errorf("a process is left: %q", command)
		}
	}
	for _, link := range l.links {
		if _, err := net.InterfaceByName(link); err == nil {
			t.Errorf("the network interface %s is left", link)
		}
	}
	var cgroups []string
	for _, pattern := range []string{"/sys/fs/cgroup/", "/sys/fs/cgroup/*/"} {
		found, err := filepath.Glob(pattern + l.cgroup)
		must(t, err)
		cgroups = append(cgroups, found...)
	}
	if len(cgroups) > 0 {
		t.Errorf("cgroups are left: %q", cgroups)
	}
}

// An engine with a small disk runs on what it has when that is full, and pulls again when there is space.
func TestOwnEngineWithASmallDisk(t *testing.T) {
	registry := rig.NewRegistry(t)
	ref := registry.Push(t, "hello", rig.Hello{Version: "v1", Padding: 4 << 20})
	e := rig.OwnEngine(t, rig.EngineOptions{Disk: 24 << 20})
	filler := filepath.Join(e.Data, "filler")
	if err := os.WriteFile(filler, make([]byte, 24<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filling the disk: %v", err)
	}
	if err := tryPull(t, e.Client, ref); err == nil || !strings.Contains(err.Error(), "no space left on device") {
		t.Errorf("pull onto a full disk: %v", err)
	}
	must(t, os.Remove(filler))
	if err := tryPull(t, e.Client, ref); err != nil {
		t.Errorf("pull when there is space: %v", err)
	}
}

// tryPull returns what the engine says went wrong.
func tryPull(t *testing.T, engine *client.Client, ref string) error {
	t.Helper()
	stream, err := engine.ImagePull(t.Context(), ref, image.PullOptions{})
	if err != nil {
		return err
	}
	defer stream.Close()
	said, err := io.ReadAll(stream)
	if err == nil && strings.Contains(string(said), "errorDetail") {
		err = errors.New(string(said))
	}
	return err
}
