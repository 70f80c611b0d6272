package docker_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"muster/test/rig"
	"muster/worker"
	"muster/worker/docker"
)

func TestCreateHonoursTheSpec(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	spec := b.spec(func(s *worker.Spec) {
		s.Env = map[string]string{"GREETING": "good day", "ODD": "a=b c $d \"é\"", "EMPTY": ""}
		s.Ports = append(s.Ports, worker.PortBinding{Host: rig.FreePorts(t, 1), Container: 8080})
		s.Index = 3
	})
	id := b.run(spec)
	if got := b.get(spec, "/"); got != "good day v1\n" {
		t.Errorf("the container says %q", got)
	}
	if got := b.call(http.MethodGet, spec.Ports[1].Host, "/", ""); got != "good day v1\n" {
		t.Errorf("at its second port the container says %q", got)
	}
	env := strings.Split(b.get(spec, "/env"), "\n")
	for _, want := range []string{"ODD=a=b c $d \"é\"", "EMPTY=", "VERSION=v1"} {
		if !slices.Contains(env, want) {
			t.Errorf("the environment is %q, want %q in it", env, want)
		}
	}
	made, err := b.api.ContainerInspect(t.Context(), id)
	b.must(err)
	if made.Name != "/"+spec.App+"-4" {
		t.Errorf("name %s, want %s-4", made.Name, spec.App)
	}
	if made.HostConfig.RestartPolicy.Name != container.RestartPolicyAlways {
		t.Errorf("restart policy %q", made.HostConfig.RestartPolicy.Name)
	}
	for _, binding := range made.NetworkSettings.Ports["8080/tcp"] {
		if binding.HostIP != "0.0.0.0" && binding.HostIP != "::" {
			t.Errorf("port bound at %q, want all addresses", binding.HostIP)
		}
	}
	for label, want := range map[string]string{
		worker.LabelDevice: b.device, worker.LabelApp: spec.App, worker.LabelIndex: "3", worker.LabelSpec: spec.Hash(),
	} {
		if got := made.Config.Labels[label]; got != want {
			t.Errorf("label %s = %q, want %q", label, got, want)
		}
	}
}

func TestVolumes(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	dir, volume := t.TempDir(), rig.Name("volume")
	b.must(os.WriteFile(filepath.Join(dir, "given"), []byte("from outside"), 0o600))
	t.Cleanup(func() { removeVolume(t, b, volume) })
	spec := b.spec(func(s *worker.Spec) {
		s.Volumes = []string{dir + ":/rw:rw", dir + ":/ro:ro", dir + ":/plain", volume + ":/named"}
	})
	id := b.run(spec)

	if got := b.file(spec, "/rw/given"); got != "from outside" {
		t.Errorf("/rw/given holds %q", got)
	}
	for path, outside := range map[string]string{"/rw/a": "a", "/plain/b": "b"} {
		if said := b.write(spec, path, "from inside"); said != "" {
			t.Errorf("write %s: %s", path, said)
		}
		if got, err := os.ReadFile(filepath.Join(dir, outside)); string(got) != "from inside" {
			t.Errorf("outside %s holds %q, %v", path, got, err)
		}
	}
	if said := b.write(spec, "/ro/c", "x"); !strings.Contains(said, "read-only") {
		t.Errorf("write /ro/c: %q, want a refusal", said)
	}
	if said := b.write(spec, "/named/d", "kept"); said != "" {
		t.Errorf("write /named/d: %s", said)
	}

	// The image has a volume /scratch, which without a name is the container's own and goes with it.
	made, err := b.api.ContainerInspect(t.Context(), id)
	b.must(err)
	var anonymous string
	for _, m := range made.Mounts {
		if m.Destination == "/scratch" {
			anonymous = m.Name
		}
	}
	if _, err := b.api.VolumeInspect(t.Context(), anonymous); anonymous == "" || err != nil {
		t.Fatalf("anonymous volume %q: %v", anonymous, err)
	}
	b.must(b.Remove(t.Context(), id))
	if _, err := b.api.VolumeInspect(t.Context(), anonymous); err == nil {
		t.Error("the anonymous volume is there after the container was removed")
	}
	b.run(spec)
	if got := b.file(spec, "/named/d"); got != "kept" {
		t.Errorf("in the next container /named/d holds %q", got)
	}
}

// removeVolume removes the volume and its containers before it.
func removeVolume(t *testing.T, b *bench, name string) {
	ctx := testContext(t)
	using, err := b.api.ContainerList(ctx, container.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("volume", name))})
	for _, c := range using {
		err = errors.Join(err, b.api.ContainerRemove(ctx, c.ID, container.RemoveOptions{Force: true, RemoveVolumes: true}))
	}
	if err := errors.Join(err, b.api.VolumeRemove(ctx, name, true)); err != nil {
		t.Errorf("clean up volume %s: %v", name, err)
	}
}

func TestDevices(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	spec := b.spec(func(s *worker.Spec) {
		s.Devices = []string{"/dev/zero:/dev/xzero", "/dev/null:/dev/xnull:r", "/dev/full"}
	})
	id := b.run(spec)
	if got := b.file(spec, "/dev/xzero"); got == "" || strings.Trim(got, "\x00") != "" {
		t.Errorf("/dev/xzero holds %.40q, want zeros", got)
	}
	if got := b.file(spec, "/dev/xnull"); got != "" {
		t.Errorf("/dev/xnull holds %.40q, want nothing", got)
	}
	// Whether a kernel holds a container to the permissions depends on its control groups.
	made, err := b.api.ContainerInspect(t.Context(), id)
	b.must(err)
	want := []container.DeviceMapping{
		{PathOnHost: "/dev/zero", PathInContainer: "/dev/xzero", CgroupPermissions: "rwm"},
		{PathOnHost: "/dev/null", PathInContainer: "/dev/xnull", CgroupPermissions: "r"},
		{PathOnHost: "/dev/full", PathInContainer: "/dev/full", CgroupPermissions: "rwm"},
	}
	if !slices.Equal(made.HostConfig.Devices, want) {
		t.Errorf("devices %+v, want %+v", made.HostConfig.Devices, want)
	}
}

func TestDevicesThatCannotBe(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	broken := b.spec(func(s *worker.Spec) { s.Devices = []string{"/dev/null:/dev/a:/dev/b:r"} })
	if _, err := b.Create(t.Context(), broken); err == nil || !strings.Contains(err.Error(), "/dev/null") {
		t.Errorf("Create with too much of a device: %v", err)
	}
	missing := b.spec(func(s *worker.Spec) { s.Devices = []string{"/dev/no-such-device:/dev/x"} })
	id, err := b.Create(t.Context(), missing)
	if err == nil {
		err = b.Start(t.Context(), id)
	}
	if err == nil || !strings.Contains(err.Error(), "no-such-device") {
		t.Errorf("with a device that the machine does not have: %v", err)
	}
}

// Containers are not started here: an engine that runs in a container itself may have no privileges to give.
func TestPrivileged(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	for _, want := range []bool{false, true} {
		id, err := b.Create(t.Context(), b.spec(func(s *worker.Spec) { s.Privileged = want }))
		b.must(err)
		made, err := b.api.ContainerInspect(t.Context(), id)
		b.must(err)
		if made.HostConfig.Privileged != want {
			t.Errorf("privileged = %v, want %v", made.HostConfig.Privileged, want)
		}
	}
}

func TestNameTakenByAForeignContainer(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	spec := b.spec(nil)
	theirDevice := rig.Name("device")
	theirs, err := newEngine(t, b.api, docker.Options{Device: theirDevice}).Create(t.Context(), spec)
	b.must(err)
	events := b.Events(t.Context())
	await(t, events, "the beginning")
	_, err = b.Create(t.Context(), spec)
	want := fmt.Sprintf("create %s: the name is taken by a container of device %s: id %s, image %s", spec.Name(), theirDevice, theirs[:12], spec.Image)
	if !errors.Is(err, worker.ErrConflict) || err.Error() != want {
		t.Errorf("Create: %v, want a conflict: %s", err, want)
	}
	unwoken(t, events, "a Create that was refused")
	if list, err := b.List(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("List = %+v, %v, want nothing", list, err)
	}
}

func TestPortTakenByAnotherProgram(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	spec := b.spec(nil)
	listener := listen(t, spec.Ports[0].Host)
	id, err := b.Create(t.Context(), spec)
	b.must(err)
	err = b.Start(t.Context(), id)
	if !errors.Is(err, worker.ErrConflict) || !strings.Contains(err.Error(), fmt.Sprint(spec.Ports[0].Host)) || strings.Contains(err.Error(), "\n") {
		t.Errorf("Start: %v, want one line about a conflict that names the port", err)
	}
	if state := b.state(); state != "created" && state != "exited" {
		t.Errorf("after a start that failed the container is %s", state)
	}
	b.must(listener.Close())
	b.must(b.Start(t.Context(), id))
	if got := b.get(spec, "/"); got != "hello v1\n" {
		t.Errorf("the container says %q", got)
	}
}

// Whenever Create dies on the way, what is left does not pass for the container that was wanted, can be
// removed, and does not stand in the way of the next attempt.
func TestCreateThatDies(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	f := newFront(t)
	dying := newEngine(t, b.api, docker.Options{Device: b.device, Host: f.host()})
	for _, at := range []string{"/create", "/connect", "/rename"} {
		t.Run(at, func(t *testing.T) {
			spec := b.spec(nil)
			dead := false // and with it the attempt to clean up
			f.cut(func(r *http.Request) bool {
				dead = dead || strings.HasSuffix(r.URL.Path, at)
				return dead
			})
			if id, err := dying.Create(t.Context(), spec); !errors.Is(err, worker.ErrEngineDown) || id != "" {
				t.Fatalf("Create: %q, %v, want an error that wraps %q", id, err, worker.ErrEngineDown)
			}
			left, err := b.List(t.Context())
			b.must(err)
			if at != "/create" && len(left) != 1 {
				t.Errorf("List = %+v, want what was left", left)
			}
			for _, c := range left {
				if c.Spec != "" || c.App != spec.App {
					t.Errorf("%+v passes for what was wanted", c)
				}
				b.must(b.Remove(t.Context(), c.ID))
			}
			b.must(b.Remove(t.Context(), b.run(spec)))
		})
	}
}

// Without a crash, nothing is left of a Create that fails on the way.
func TestCreateThatFailsCleansUp(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	f := newFront(t)
	engine := newEngine(t, b.api, docker.Options{Device: b.device, Host: f.host()})
	refuse := func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/connect") {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"message":"network bridge not found"}`))
		return true
	}
	f.refuse.Store(&refuse)
	spec := b.spec(nil)
	_, err := engine.Create(t.Context(), spec)
	if want := "create " + spec.Name() + ": join network bridge: network bridge not found"; !errors.Is(err, worker.ErrNotExist) || err.Error() != want {
		t.Errorf("Create: %v, want %s", err, want)
	}
	if left, err := b.List(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("List = %+v, %v, want nothing", left, err)
	}
}
