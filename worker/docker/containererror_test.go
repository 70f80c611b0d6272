package docker_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/test/rig"
	"muster/topics"
	"muster/worker"
	"muster/worker/docker"
)

// What a container cannot be made or started for, as the machine's own engine says it.
func TestContainersThatCannotBe(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	b.must(os.WriteFile(file, nil, 0o600))
	taken := b.spec(nil)
	b.run(taken)
	program := b.spec(nil)
	listen(t, program.Ports[0].Host)
	for _, test := range []struct {
		name   string
		change func(*worker.Spec)
		code   topics.Reason
		words  string
	}{
		{"port of a program", func(s *worker.Spec) { s.Ports = program.Ports }, topics.ReasonPortTaken, "a host port is taken"},
		{"port of a container", func(s *worker.Spec) { s.Ports = taken.Ports }, topics.ReasonPortTaken, "container " + taken.Name() + " has it"},
		{"name", func(s *worker.Spec) { s.App = taken.App }, topics.ReasonNameTaken, "the name is taken"},
		{"image", func(s *worker.Spec) { s.Image += "-not" }, topics.ReasonImageMissing, "-not"},
		{"network", func(s *worker.Spec) { s.Networks = []string{"no-such-net"} }, topics.ReasonNetworkMissing, "no-such-net not found"},
		{"file to read", func(s *worker.Spec) { s.Volumes = []string{dir + "/none:/x:ro"} }, topics.ReasonVolumeMissing, dir + "/none"},
		{"path below a file", func(s *worker.Spec) { s.Volumes = []string{file + "/none:/x"} }, topics.ReasonVolumeMissing, file + "/none"},
		{"path below a file to read", func(s *worker.Spec) { s.Volumes = []string{file + "/none:/x:ro"} }, topics.ReasonVolumeMissing, file + "/none"},
		{"path that cannot be made", func(s *worker.Spec) { s.Volumes = []string{"/proc/none:/x"} }, topics.ReasonVolumeMissing, "/proc/none"},
		{"directory in place of a file", func(s *worker.Spec) { s.Volumes = []string{dir + ":/hello"} }, topics.ReasonVolumeMissing, dir},
		{"volume twice", func(s *worker.Spec) { s.Volumes = []string{dir + ":/x", dir + ":/x"} }, topics.ReasonRefused, "/x"},
		{"volume by a path that is none", func(s *worker.Spec) { s.Volumes = []string{"./x:/x"} }, topics.ReasonRefused, "./x"},
		{"device", func(s *worker.Spec) { s.Devices = []string{"/dev/none:/dev/x"} }, topics.ReasonDeviceMissing, "/dev/none"},
		{"file as a device", func(s *worker.Spec) { s.Devices = []string{file + ":/dev/x"} }, topics.ReasonDeviceMissing, file},
		{"command", func(s *worker.Spec) { s.Entrypoint = []string{"/none"} }, topics.ReasonCommandMissing, "/none"},
		{"command in the path", func(s *worker.Spec) { s.Entrypoint = []string{"none"} }, topics.ReasonCommandMissing, "none"},
		{"command that is no program", func(s *worker.Spec) { s.Entrypoint = []string{"/etc/hosts"} }, topics.ReasonCommandMissing, "/etc/hosts"},
		{"user", func(s *worker.Spec) { s.User = "nobody-knows" }, topics.ReasonStartFailed, "nobody-knows"},
		{"capability", func(s *worker.Spec) { s.CapAdd = []string{"NONE"} }, topics.ReasonRefused, "NONE"},
		{"memory", func(s *worker.Spec) { s.MemoryLimitMB = 1 }, topics.ReasonRefused, "memory limit"},
	} {
		t.Run(test.name, func(t *testing.T) {
			spec := b.spec(test.change)
			id, err := b.Create(t.Context(), spec)
			if err == nil {
				err = b.Start(t.Context(), id)
				defer func() { b.must(b.Remove(t.Context(), id)) }()
			}
			if err == nil {
				t.Fatal("it runs")
			}
			t.Log(err)
			var fault *worker.Fault
			if !errors.As(err, &fault) || fault.Code != test.code {
				t.Errorf("%v has the code %+v, want %s", err, fault, test.code)
			}
			if !strings.Contains(err.Error(), test.words) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want one line that says %q", err, test.words)
			}
		})
	}
	if b.get(taken, "/") != "hello v1\n" {
		t.Error("the container that runs does not answer any more")
	}
}

// A path that does not exist is made where the app may write, and nowhere else.
func TestVolumesThatDoNotExist(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	dir := t.TempDir()
	spec := b.spec(func(s *worker.Spec) { s.Volumes = []string{dir + "/made/deep:/x", dir + "/also:/y:rw"} })
	b.run(spec)
	if said := b.write(spec, "/x/file", "kept"); said != "" {
		t.Errorf("write: %s", said)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "made", "deep", "file")); string(got) != "kept" {
		t.Errorf("outside there is %q, %v", got, err)
	}
	if _, err := b.Create(t.Context(), b.spec(func(s *worker.Spec) { s.Volumes = []string{dir + "/not:/x:ro"} })); err == nil {
		t.Error("a path to read that does not exist is no error")
	}
	if _, err := os.Stat(filepath.Join(dir, "not")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the path to read was made: %v", err)
	}
}

// What newer engines and Podman say.
func TestContainerWordsOfOtherEngines(t *testing.T) {
	f := newFront(t)
	engine := newEngine(t, rig.Docker(t), docker.Options{Device: rig.Name("device"), Host: f.host()})
	for said, want := range map[string]topics.Reason{
		`driver failed programming external connectivity on endpoint x: failed to bind host port for 0.0.0.0:80:172.17.0.2:80/tcp: address already in use`:                                                                                                topics.ReasonPortTaken,
		`ports are not available: exposing port TCP 0.0.0.0:80 -> 127.0.0.1:0: listen tcp 0.0.0.0:80: bind: permission denied`:                                                                                                                            topics.ReasonPortTaken,
		`rootlessport listen tcp 0.0.0.0:80: bind: address already in use`:                                                                                                                                                                                topics.ReasonPortTaken,
		"crun: executable file `none` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found":                                                                                                        topics.ReasonCommandMissing,
		`failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: \"/none\": stat /none: no such file or directory: unknown`: topics.ReasonCommandMissing,
		`statfs /none: no such file or directory`:                                                                             topics.ReasonVolumeMissing,
		`stat /dev/none: no such file or directory`:                                                                           topics.ReasonDeviceMissing,
		`write /var/lib/docker/x: no space left on device`:                                                                    topics.ReasonDiskFull,
		`failed to set up container networking: network 1 not found`:                                                          topics.ReasonNetworkMissing,
		`failed to create endpoint a-1 on network bridge: adding interface veth1 to bridge failed`:                            topics.ReasonStartFailed,
		`driver failed programming external connectivity on endpoint x: Bind for 0.0.0.0:1 failed: port is already allocated`: topics.ReasonPortTaken,
	} {
		refuse := func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/start") {
				return false
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write([]byte(`{"message":"` + said + `"}`))
			return true
		}
		f.refuse.Store(&refuse)
		err := engine.Start(t.Context(), "any")
		var fault *worker.Fault
		if !errors.As(err, &fault) || fault.Code != want {
			t.Errorf("%s\nis told as %v with %+v, want %s", said, err, fault, want)
		}
		// The engine takes port 1 for taken, and no container has it.
		if allocated := strings.Contains(said, "allocated"); allocated != strings.Contains(err.Error(), "no container has it") {
			t.Errorf("%s\nis told as %v", said, err)
		}
	}
}
