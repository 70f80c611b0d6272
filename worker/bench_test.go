package worker_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/test/logs"
	"muster/topics"
	"muster/worker"
	"muster/worker/enginetest"
)

const (
	epoch      = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
	laterEpoch = "01BRZ3NDEKTSV4RRFFQ69G5FAV"
)

// A script is a link whose configs the test says, and that keeps what it is told.
type script struct {
	configs chan worker.Offered
	fail    error

	mu       sync.Mutex
	reports  []topics.Report
	have     topics.Version
	progress []topics.Progress
}

func (s *script) Configs() <-chan worker.Offered { return s.configs }

func (s *script) SetReport(r topics.Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reports = append(s.reports, r)
}

func (s *script) Have(v topics.Version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.have = v
}

func (s *script) Progress(p topics.Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.progress = append(s.progress, p)
}

func (s *script) Run(ctx context.Context) error {
	if s.fail != nil {
		return s.fail
	}
	<-ctx.Done()
	return nil
}

// said are the reports so far.
func (s *script) said() []topics.Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.reports)
}

// last is the last report.
func (s *script) last() topics.Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reports[len(s.reports)-1]
}

// count is how many reports there were.
func (s *script) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.reports)
}

// told is the version that the link is told to have.
func (s *script) told() topics.Version {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.have
}

// A bench is a worker on a machine in memory, in a bubble where time passes when all are waiting.
type bench struct {
	t       *testing.T
	dir     string
	machine *enginetest.Machine
	// engine stands in for the machine's when it is not nil.
	engine worker.Engine
	link   *script
	log    *logs.Buffer
	// maxPulls and maxRestartWait are the worker's MaxPulls and MaxRestartWait.
	maxPulls       int
	maxRestartWait time.Duration
	// reserve and prune are the worker's DiskReserve and PruneOnDiskPressure.
	reserve int64
	prune   bool

	stop context.CancelFunc
	done chan error
}

// inBubble runs a test with a worker of device_group g. Images "nginx:1", "nginx:2" and "redis:1" are in the
// registry.
func inBubble(t *testing.T, test func(t *testing.T, b *bench)) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, dir: t.TempDir(), machine: enginetest.NewMachine(), log: &logs.Buffer{}}
		for _, ref := range []string{"nginx:1", "nginx:2", "redis:1"} {
			b.machine.Push(ref, enginetest.Image{Bytes: 1000})
		}
		test(t, b)
		b.end()
	})
}

// begin starts a worker of the group, on what the one before left.
func (b *bench) begin(group string) {
	b.t.Helper()
	b.link = &script{configs: make(chan worker.Offered)}
	b.run(group)
	synctest.Wait()
}

func (b *bench) run(group string) {
	b.t.Helper()
	var engine worker.Engine = b.machine.Engine("d")
	if b.engine != nil {
		engine = b.engine
	}
	w, err := worker.New(worker.Options{
		DiskReserve: b.reserve, PruneOnDiskPressure: b.prune,
		Group: group, Device: "d", Agent: "muster-worker/test", StateDir: b.dir, Engine: engine, Link: b.link,
		MaxPulls: b.maxPulls, MaxRestartWait: b.maxRestartWait,
		Log: slog.New(slog.NewTextHandler(b.log, nil)),
	})
	if err != nil {
		b.t.Fatalf("New: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.stop, b.done = cancel, make(chan error, 1)
	go func() { b.done <- w.Run(ctx) }()
}

// end stops the worker, if there is one, and expects it to end well.
func (b *bench) end() {
	b.t.Helper()
	if b.stop == nil {
		return
	}
	b.stop()
	if err := <-b.done; err != nil {
		b.t.Errorf("Run: %v", err)
	}
	b.stop = nil
}

// restart stops the worker and starts it again.
func (b *bench) restart(group string) {
	b.t.Helper()
	b.end()
	b.machine.ForgetOps()
	b.begin(group)
}

// offer sends a config and waits until all that follows from it without time passing is done.
func (b *bench) offer(o worker.Offered) {
	b.t.Helper()
	b.link.configs <- o
	synctest.Wait()
}

// pass lets time pass.
func (b *bench) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// didOps expects exactly these operations since the last time.
func (b *bench) didOps(want ...string) {
	b.t.Helper()
	got := b.machine.Ops()
	b.machine.ForgetOps()
	if !slices.Equal(got, want) {
		b.t.Errorf("the worker did %q, want %q", got, want)
	}
}

// runs expects exactly these containers to be running.
func (b *bench) runs(want ...string) {
	b.t.Helper()
	containers, err := b.machine.Engine("d").List(b.t.Context())
	if err != nil {
		b.t.Fatalf("List: %v", err)
	}
	var got []string
	for _, c := range containers {
		if c.State == "running" {
			got = append(got, c.Name)
		}
	}
	if !slices.Equal(got, want) {
		b.t.Errorf("there run %q, want %q", got, want)
	}
}

// says expects the last report to be of that config_id, 0 for none, with these failing apps, each with
// words that its reason contains: "app: words".
func (b *bench) says(configID int64, failing ...string) {
	b.t.Helper()
	b.link.mu.Lock()
	defer b.link.mu.Unlock()
	if len(b.link.reports) == 0 {
		b.t.Error("the worker reported nothing")
		return
	}
	r := b.link.reports[len(b.link.reports)-1]
	if r.ConfigID != configID {
		b.t.Errorf("the worker says that it applied %v, want config_id %d", r.Version, configID)
	}
	if len(r.Failing) != len(failing) {
		b.t.Errorf("failing are %+v, want %q", r.Failing, failing)
		return
	}
	for i, f := range r.Failing {
		app, words, _ := strings.Cut(failing[i], ": ")
		if f.App != app || !strings.Contains(f.Reason, words) {
			b.t.Errorf("failing is %+v, want %q", f, failing[i])
		}
	}
}

// logged counts the lines of the log that contain the words.
func (b *bench) logged(words string) (n int) {
	for line := range strings.Lines(b.log.String()) {
		if strings.Contains(line, words) {
			n++
		}
	}
	return n
}

// An app with one container, changed by the options.
func newApp(name, image string, options ...func(*topics.App)) topics.App {
	a := topics.NewApp(name, image)
	for _, o := range options {
		o(&a)
	}
	return a
}

func appID(id int64) func(*topics.App) { return func(a *topics.App) { a.AppID = id } }
func rolling(a *topics.App)            { a.RollingRestart = true }
func perCPU(n float64) func(*topics.App) {
	return func(a *topics.App) { a.ContainersPer = topics.ContainersPer{Unit: topics.PerCPU, Count: n} }
}
func port(host int) func(*topics.App) {
	return func(a *topics.App) { a.StartingPorts = topics.Ports{{Host: host, Container: 80}} }
}
func times(n float64) func(*topics.App) {
	return func(a *topics.App) { a.ContainersPer = topics.ContainersPer{Unit: topics.PerServer, Count: n} }
}

// config is one of group g, as it arrives.
func config(t *testing.T, id int64, apps ...topics.App) worker.Offered {
	t.Helper()
	return configOf(t, "g", topics.Version{Epoch: epoch, ConfigID: id}, apps...)
}

func configOf(t *testing.T, group string, v topics.Version, apps ...topics.App) worker.Offered {
	t.Helper()
	return encoded(t, v, topics.Content{DeviceGroup: group, DeviceGroupID: 1, Apps: apps})
}

func encoded(t *testing.T, v topics.Version, c topics.Content) worker.Offered {
	t.Helper()
	payload, err := topics.EncodeConfig(v, time.Unix(1e9, 0), c)
	if err != nil {
		t.Fatalf("EncodeConfig: %v", err)
	}
	parsed, err := topics.ParseConfig(payload)
	if err != nil {
		t.Fatalf("ParseConfig: %v", err)
	}
	return worker.Offered{Config: parsed, Payload: payload, From: "retained"}
}

func diff(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}
