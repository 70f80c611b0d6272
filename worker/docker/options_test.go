package docker_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"muster/test/logs"
	"muster/test/rig"
	"muster/topics"
	"muster/worker"
	"muster/worker/docker"
)

// with runs a container with options, and gives its spec and id.
func (b *bench) with(set func(*worker.Spec)) (worker.Spec, string) {
	b.t.Helper()
	spec := b.spec(set)
	return spec, b.run(spec)
}

// command is that of the container's first process.
func (b *bench) command(spec worker.Spec) []string {
	b.t.Helper()
	return strings.Split(strings.TrimSuffix(b.file(spec, "/proc/1/cmdline"), "\x00"), "\x00")
}

func TestCommandAndEntrypoint(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1", Args: []string{"-exit", "-1"}, Command: []string{"of", "the image"}})
	for name, test := range map[string]struct {
		entrypoint, command, want []string
	}{
		"as the image says":          {nil, nil, []string{"/hello", "-exit", "-1", "of", "the image"}},
		"a command":                  {nil, []string{"serve", "", "a b"}, []string{"/hello", "-exit", "-1", "serve", "", "a b"}},
		"an entrypoint":              {[]string{"/hello", "-after", "1s"}, nil, []string{"/hello", "-after", "1s"}},
		"both":                       {[]string{"/hello"}, []string{"x"}, []string{"/hello", "x"}},
		"a command of no entrypoint": {[]string{""}, []string{"/hello", "y"}, []string{"/hello", "y"}},
	} {
		t.Run(name, func(t *testing.T) {
			spec, _ := b.with(func(s *worker.Spec) { s.Entrypoint, s.Command = test.entrypoint, test.command })
			if got := b.command(spec); !slices.Equal(got, test.want) {
				t.Errorf("it runs %q, want %q", got, test.want)
			}
		})
	}
}

// status is a line of /proc/1/status in the container.
func (b *bench) status(spec worker.Spec, name string) []string {
	b.t.Helper()
	for line := range strings.Lines(b.file(spec, "/proc/1/status")) {
		if value, found := strings.CutPrefix(line, name+":"); found {
			return strings.Fields(value)
		}
	}
	b.t.Fatalf("/proc/1/status has no %s", name)
	return nil
}

func TestUser(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	for user, want := range map[string][2]string{"": {"0", "0"}, "1234": {"1234", "0"}, "1234:4321": {"1234", "4321"}} {
		spec, id := b.with(func(s *worker.Spec) { s.User = user })
		if got := [2]string{b.status(spec, "Uid")[0], b.status(spec, "Gid")[0]}; got != want {
			t.Errorf("as %q it runs as %v, want %v", user, got, want)
		}
		b.must(b.Remove(t.Context(), id))
	}
}

// cgroup reads a control file of the container's own group: of version 1, or of version 2.
func (b *bench) cgroup(spec worker.Spec, one, two string) string {
	b.t.Helper()
	said := b.file(spec, "/sys/fs/cgroup/"+one)
	if strings.Contains(said, "no such file") {
		said = b.file(spec, "/sys/fs/cgroup/"+two)
	}
	return strings.TrimSpace(said)
}

func TestMemoryLimit(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	spec, id := b.with(func(s *worker.Spec) { s.MemoryLimitMB, s.RestartPolicy = 64, topics.RestartNo })
	if got, want := b.cgroup(spec, "memory/memory.limit_in_bytes", "memory.max"), strconv.Itoa(64<<20); got != want {
		t.Errorf("the limit is %q, want %s", got, want)
	}
	made, err := b.api.ContainerInspect(t.Context(), id)
	b.must(err)
	if made.HostConfig.MemorySwap != 64<<20 {
		t.Errorf("memory and swap are limited to %d together", made.HostConfig.MemorySwap)
	}
	if said := b.get(spec, "/eat?mb=16"); said != "" {
		t.Errorf("16 MiB of 64: %s", said)
	}
	// The second helping is more than there is, so that nobody answers.
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+strconv.Itoa(spec.Ports[0].Host)+"/eat?mb=128", nil)
	b.must(err)
	if answer, err := http.DefaultClient.Do(request); err == nil {
		_ = answer.Body.Close()
		t.Errorf("144 MiB of 64: %s", answer.Status)
	}
	b.eventually("end", func() error {
		if state := b.state(); state != "exited" {
			return fmt.Errorf("it is %s", state)
		}
		return nil
	})
	if d, err := b.Inspect(t.Context(), id); err != nil || d.ExitCode != 137 {
		t.Errorf("%+v, %v, want an end by the kernel", d, err)
	}
}

func TestCPUs(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	for cpus, want := range map[float64]string{0.01: "1000", 0.5: "50000", 1.255: "125500", 500: "50000000"} {
		spec, id := b.with(func(s *worker.Spec) { s.CPUs = cpus })
		got := b.cgroup(spec, "cpu/cpu.cfs_quota_us", "cpu.max")
		if got, _, _ = strings.Cut(got, " "); got != want {
			t.Errorf("of %v CPUs it may use %q µs in 100 ms, want %s", cpus, got, want)
		}
		b.must(b.Remove(t.Context(), id))
	}
}

func TestLabels(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	// The manager refuses labels that are the worker's. One that gets here all the same replaces nothing.
	spec, id := b.with(func(s *worker.Spec) {
		s.Labels = map[string]string{"com.example/team": "shops", worker.LabelDevice: "other", worker.LabelContainerType: "x"}
	})
	made, err := b.api.ContainerInspect(t.Context(), id)
	b.must(err)
	for label, want := range map[string]string{
		"com.example/team": "shops", worker.LabelDevice: b.device, worker.LabelApp: spec.App,
		worker.LabelOrchestrator: "nebula", worker.LabelAppName: spec.App, worker.LabelContainerType: "app",
	} {
		if got := made.Config.Labels[label]; got != want {
			t.Errorf("label %s = %q, want %q", label, got, want)
		}
	}
	if len(spec.Labels) != 3 {
		t.Errorf("the spec's own labels are %v now", spec.Labels)
	}
}

func TestReadOnlyWithDirectoriesInMemory(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	spec, _ := b.with(func(s *worker.Spec) { s.ReadOnly, s.Tmpfs = true, []string{"/run:size=1m,mode=1777", "/cache"} })
	if said := b.write(spec, "/x", "x"); !strings.Contains(said, "read-only") {
		t.Errorf("write /x: %q, want a refusal", said)
	}
	for _, path := range []string{"/run/x", "/cache/x"} {
		if said := b.write(spec, path, "kept"); said != "" || b.file(spec, path) != "kept" {
			t.Errorf("write %s: %q, and it holds %q", path, said, b.file(spec, path))
		}
	}
	if said := b.write(spec, "/run/y", strings.Repeat("y", 2<<20)); !strings.Contains(said, "no space left") {
		t.Errorf("write 2 MiB into 1 MiB of memory: %q", said)
	}
	plain, _ := b.with(nil)
	if said := b.write(plain, "/x", "x"); said != "" {
		t.Errorf("without read_only, write /x: %s", said)
	}
}

func TestCapabilities(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	const chown, netAdmin = 1 << 0, 1 << 12
	for name, test := range map[string]struct {
		add, drop []string
		want      uint64
	}{
		"by default": {nil, nil, chown},
		"one more":   {[]string{"NET_ADMIN"}, nil, chown | netAdmin},
		"one less":   {nil, []string{"cap_chown"}, 0},
		"only one":   {[]string{"CAP_NET_ADMIN"}, []string{"ALL"}, netAdmin},
	} {
		t.Run(name, func(t *testing.T) {
			spec, _ := b.with(func(s *worker.Spec) { s.CapAdd, s.CapDrop = test.add, test.drop })
			got, err := strconv.ParseUint(b.status(spec, "CapEff")[0], 16, 64)
			b.must(err)
			if got&(chown|netAdmin) != test.want {
				t.Errorf("its capabilities are %x, want %x of those that matter", got, test.want)
			}
		})
	}
}

func TestExtraHosts(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	server, _ := b.with(nil)
	spec, _ := b.with(func(s *worker.Spec) {
		s.ExtraHosts = []string{"till.local:10.1.2.3", "six:fd00::1", "brackets:[fd00::2]", "device:" + topics.HostGateway}
	})
	var lines []string
	for line := range strings.Lines(b.file(spec, "/etc/hosts")) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	for _, want := range []string{"10.1.2.3 till.local", "fd00::1 six", "fd00::2 brackets"} {
		if !slices.Contains(lines, want) {
			t.Errorf("/etc/hosts is %q, want %q in it", lines, want)
		}
	}
	// The device's own address, where the other container's port is published.
	url := fmt.Sprintf("http://device:%d/", server.Ports[0].Host)
	if got := b.get(spec, "/fetch?url="+url); got != "hello v1\n" {
		t.Errorf("%s says %q", url, got)
	}
}

func TestLogIsBounded(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	spec, id := b.with(func(s *worker.Spec) { s.LogMaxMB = 1 })
	line := strings.Repeat("x", 99) + "\n"
	for range 4 {
		if said := b.write(spec, "/proc/1/fd/2", strings.Repeat(line, 10_000)); said != "" {
			t.Fatal(said)
		}
	}
	b.write(spec, "/proc/1/fd/2", "the last line\n")
	b.eventually("last line of at most 1 MB of log", func() error {
		stream, err := b.api.ContainerLogs(t.Context(), id, container.LogsOptions{ShowStderr: true})
		b.must(err)
		defer stream.Close()
		log, err := io.ReadAll(stream)
		if err != nil || !strings.Contains(string(log), "the last line") || len(log) > 1_000_000 || len(log) < 300_000 {
			return fmt.Errorf("there are %d bytes, %w", len(log), err)
		}
		return nil
	})
}

func TestStopGrace(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1", Args: []string{"-ignore-term"}})
	for _, grace := range []int{0, 3} {
		// What the spec says goes before what the device has for others.
		engine := newEngine(t, b.api, docker.Options{Device: b.device, StopTimeout: time.Duration(3-grace) * time.Second})
		spec := b.spec(func(s *worker.Spec) { s.StopGraceSeconds = &grace })
		id, err := engine.Create(t.Context(), spec)
		b.must(err)
		b.must(engine.Start(t.Context(), id))
		b.get(spec, "/") // it runs, and hence ignores the signal
		start := time.Now()
		b.must(engine.Remove(t.Context(), id))
		if took := time.Since(start); took < time.Duration(grace)*time.Second || took > time.Duration(grace)*time.Second+2500*time.Millisecond {
			t.Errorf("with %d s to end it took %v", grace, took)
		}
	}
}

// A kernel without memory limits, as that of many small boards, is told of.
func TestWarningsOfTheEngineAreLogged(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	f := newFront(t)
	log := new(logs.Buffer)
	engine := newEngine(t, b.api, docker.Options{Device: b.device, Host: f.host(), Log: log.Logger()})
	warn := func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/containers/create") {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"Id":"of-nothing","Warnings":["Your kernel does not support memory limits."]}`))
		return true
	}
	f.refuse.Store(&warn)
	spec := b.spec(nil)
	if id, err := engine.Create(t.Context(), spec); err == nil { // there is no such container to go on with
		t.Errorf("Create gave %s", id)
	}
	if want := "container=" + spec.Name() + ` warning="Your kernel does not support memory limits."`; !strings.Contains(log.String(), want) {
		t.Errorf("the log is %q, want %q in it", log, want)
	}
}
