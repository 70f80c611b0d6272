package enginetest

import (
	"fmt"
	"strconv"
	"sync"
	"time"

	"muster/worker"
)

// An Op is a kind of call of an engine that [Machine.Fail] can make fail.
type Op string

// The operations.
const (
	OpFacts   Op = "facts"
	OpList    Op = "list"
	OpInspect Op = "inspect"
	OpHas     Op = "has"
	OpPull    Op = "pull"
	OpCreate  Op = "create"
	OpStart   Op = "start"
	OpRename  Op = "rename"
	OpRestart Op = "restart"
	OpRemove  Op = "remove"
	OpImages  Op = "images"
	OpUnimage Op = "unimage"
	OpSize    Op = "size"
	OpFree    Op = "free"
	OpLogs    Op = "logs"
	OpStats   Op = "stats"
)

// A Machine is a computer in memory on which the engines of one or more devices run containers. It fails
// on demand. Time passes only where an [Image] or [Machine.SetRemoveTime] says so.
type Machine struct {
	mu          sync.Mutex
	facts       worker.Facts
	registry    map[string]Image
	present     map[string]Image
	free        int64 // of the disk, in bytes
	unimageTime time.Duration
	networks    map[string]bool
	containers  map[string]*container
	lastID      int
	faults      map[Op][]error
	down        bool
	removeTime  time.Duration
	ops         []string
	watchers    map[chan struct{}]string // by channel, the device it is for
}

// An Image is one that a registry offers.
type Image struct {
	// Once makes containers of the image end as soon as they are started, with ExitCode.
	Once     bool
	ExitCode int
	// RunTime is after how long those end by themselves that the engine does not start again; 0 is never.
	RunTime time.Duration
	// CrashTime is after how long each run ends by itself, with ExitCode; 0 is never.
	CrashTime time.Duration
	// CheckTime is after how long the health check says something; 0 is none. Sick has it say that the container is
	// unhealthy.
	CheckTime time.Duration
	Sick      bool
	// Output is what each container of it writes.
	Output string
	// PullTime is how long a pull takes.
	PullTime time.Duration
	// Bytes is how large a pull is.
	Bytes int64
}

type container struct {
	worker.Container
	device  string
	spec    worker.Spec
	image   Image
	runs    int // how often it was started
	details worker.Details
}

// NewMachine is a computer with four CPUs and 4000 MB of memory, no images, and Docker's own networks.
func NewMachine() *Machine {
	return &Machine{
		facts:      worker.Facts{CPUs: 4, MemoryMB: 4000, Hostname: "machine", OS: "memory", Kernel: "1.0", Architecture: "none", Version: "1.0"},
		registry:   map[string]Image{},
		present:    map[string]Image{},
		free:       1 << 40,
		networks:   map[string]bool{"bridge": true, "host": true, "none": true, "nebula": true},
		containers: map[string]*container{},
		faults:     map[Op][]error{},
		watchers:   map[chan struct{}]string{},
	}
}

// Engine is the engine of a device. Engines of the same device share their containers.
func (m *Machine) Engine(device string) *Fake { return &Fake{machine: m, device: device} }

// Push puts an image into the registry, so that it can be pulled.
func (m *Machine) Push(ref string, image Image) { m.with(func() { m.registry[ref] = image }) }

// Unpush takes an image out of the registry; where it was pulled it stays.
func (m *Machine) Unpush(ref string) { m.with(func() { delete(m.registry, ref) }) }

// Prune removes every image from the machine, whether containers use it or not.
func (m *Machine) Prune() { m.with(func() { clear(m.present) }) }

// Fail makes the next calls of that kind fail, one with each error.
func (m *Machine) Fail(op Op, errs ...error) {
	m.with(func() { m.faults[op] = append(m.faults[op], errs...) })
}

// SetDown makes every call fail with [worker.ErrEngineDown], or work again.
func (m *Machine) SetDown(down bool) { m.with(func() { m.down = down }) }

// SetFacts replaces the machine's description.
func (m *Machine) SetFacts(f worker.Facts) { m.with(func() { m.facts = f }) }

// SetRemoveTime makes each removal take that long, as for a container that does not stop when it is asked.
func (m *Machine) SetRemoveTime(d time.Duration) { m.with(func() { m.removeTime = d }) }

// SetState changes a container's state by its name, as if the engine had, and tells of it.
func (m *Machine) SetState(name, state, detail string) {
	m.change(name, func(c *container) { c.State, c.Detail = state, detail })
}

// Wipe removes every container, as an engine does whose disk was lost, and tells of it.
func (m *Machine) Wipe() {
	m.with(func() {
		clear(m.containers)
		for ch := range m.watchers {
			wake(ch)
		}
	})
}

// Ops lists what was done so far, oldest first: "pull IMAGE" and "unimage IMAGE", and "create NAME", "rename NAME" with the
// new name, "start NAME", "restart NAME" and "remove NAME" by the container's name. Calls that failed or changed nothing are
// not in it.
func (m *Machine) Ops() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.ops...)
}

// ForgetOps empties what [Machine.Ops] lists.
func (m *Machine) ForgetOps() { m.with(func() { m.ops = nil }) }

func (m *Machine) with(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

// fault is the error that a call of that kind meets, nil for none. The machine is locked.
func (m *Machine) fault(op Op) error {
	if m.down {
		return fmt.Errorf("%s: %w", op, worker.ErrEngineDown)
	}
	if len(m.faults[op]) == 0 {
		return nil
	}
	err := m.faults[op][0]
	m.faults[op] = m.faults[op][1:]
	return err
}

// did records an operation that changed something. The machine is locked.
func (m *Machine) did(op Op, what string) { m.ops = append(m.ops, string(op)+" "+what) }

// tell wakes those who watch the device's containers. The machine is locked.
func (m *Machine) tell(device string) {
	for ch, d := range m.watchers {
		if d == device {
			wake(ch)
		}
	}
}

func wake(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

func (m *Machine) newID() string {
	m.lastID++
	return "id" + strconv.Itoa(m.lastID)
}
