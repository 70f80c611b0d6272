package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Labels that mark a container as this worker's, and say what it was made from. Containers without
// LabelDevice, or with another device's name there, do not exist for a worker.
const (
	// LabelDevice is the name of the device whose worker made the container.
	LabelDevice = "muster.device"
	// LabelApp is the app's name.
	LabelApp = "muster.app"
	// LabelCronJob is the cron_job's name; its containers have no LabelApp.
	LabelCronJob = "muster.cron_job"
	// LabelIndex is the container's number within its app on this device, from 0.
	LabelIndex = "muster.index"
	// LabelSpec is the [Spec.Hash] that the container was made from.
	LabelSpec = "muster.spec"
	// LabelAppID is the version of the app, or the cron_job, that the container was made for.
	LabelAppID = "muster.app_id"
	// LabelStopGrace is how many seconds the container has to end after SIGTERM; see [Container.StopGrace].
	LabelStopGrace = "muster.stop_grace"
)

// Labels that a Nebula worker puts on its containers, which people's scripts go by. Ours have them as well.
const (
	// LabelOrchestrator is [NebulaOrchestrator].
	LabelOrchestrator = "orchestrator"
	// LabelAppName is the app's or cron_job's name.
	LabelAppName = "app_name"
	// LabelContainerType is [ContainerTypeApp] or [ContainerTypeCronJob].
	LabelContainerType = "container_type"

	NebulaOrchestrator   = "nebula"
	ContainerTypeApp     = "app"
	ContainerTypeCronJob = "cron_job"
)

// Errors of an [Engine]. They are wrapped, and by a [Fault] too where the kind is known. Every other error is worth a retry
// as well, but of no known cause.
var (
	// ErrEngineDown says that the container engine does not answer.
	ErrEngineDown = errors.New("the container engine does not answer")
	// ErrNotExist says that there is no such container, image or network.
	ErrNotExist = errors.New("does not exist")
	// ErrConflict says that a container of that name exists, or that a host port is taken.
	ErrConflict = errors.New("is taken")
)

// A Container is one of the device's containers as the engine shows it.
type Container struct {
	ID   string
	Name string
	// Ports are the host ports that it has while it runs, in ascending order.
	Ports []int
	// App, Index and Spec are what its labels say. Index is -1 when the label is not a number.
	App   string
	Index int
	Spec  string
	// AppID is the version of the app, or of the cron_job, that it was made for; 0 when nothing says it.
	AppID int64
	// CronJob is the cron_job that it is a run of; empty for an app's container.
	CronJob string
	// State is the engine's: "created", "running", "paused", "restarting", "removing", "exited" or "dead".
	State string
	// Detail is the engine's one-line description of the state, such as "Exited (1) 3 seconds ago".
	Detail string
	// Health is what its health check says: "starting", "healthy" or "unhealthy"; empty without one.
	Health string
	// Image is the reference that it was made from, and ImageID the id of the image.
	Image, ImageID string
	// Left is what it was made from, if a Nebula worker left it behind: it has no Spec then, or [LeftRun] for a
	// cron_job's.
	Left *Left
	// StopGrace is how long it has to end after SIGTERM, before it is killed; 0 when it has as long as any.
	StopGrace time.Duration
}

// Details are what the engine knows of one container beyond its list.
type Details struct {
	// Started is when it was last started, and Finished when it last ended; zero when it never did.
	Started, Finished time.Time
	ExitCode          int
	// OutOfMemory says that the kernel ended it for want of memory.
	OutOfMemory bool
	// Restarts counts how often the engine has started it again by itself since it was last started by others.
	Restarts int
	// Error is what the engine says of its last start; empty when that went well.
	Error string
}

// PullProgress is how far a pull is, in bytes. Total grows while the engine learns of more layers.
type PullProgress struct{ Done, Total int64 }

// An Engine runs containers. The real one is in the folder docker; package enginetest is the contract that
// it and the scripted one of the tests pass. Every method ends with ctx's error when ctx ends.
type Engine interface {
	Storage
	// Facts describes the machine that the containers run on.
	Facts(ctx context.Context) (Facts, error)
	// List reads all containers of this device, in every state, ordered by app, index and name.
	List(ctx context.Context) ([]Container, error)
	// Inspect reads the details of one container. It fails with [ErrNotExist].
	Inspect(ctx context.Context, id string) (Details, error)
	// ImageID is the id of an image that is present, by a reference or an id; empty when it is not.
	ImageID(ctx context.Context, image string) (string, error)
	// Pull fetches the image from its registry, also when an older one of that name is present, and calls
	// progress (which may be nil) as bytes arrive. Errors name the image and say what the registry said.
	Pull(ctx context.Context, image string, progress func(PullProgress)) error
	// Create makes a container that does not run yet, and the default network where it is missing. It
	// fails with [ErrNotExist] without the image or one of the networks, with [ErrConflict] when the name is
	// taken. What it returns is complete: a crash in between leaves nothing that List shows as usable.
	Create(ctx context.Context, spec Spec) (id string, err error)
	// Stage makes a container as Create does, but under the name [Spec.Staged], while another of this device's containers
	// of the app may have its own.
	Stage(ctx context.Context, spec Spec) (id string, err error)
	// Rename gives a container another name; one that has it already is fine. It fails with [ErrNotExist], and with
	// [ErrConflict] when another container has the name.
	Rename(ctx context.Context, id, name string) error
	// Start runs a container; one that runs already is left alone. It fails with [ErrConflict] when a host
	// port is taken.
	Start(ctx context.Context, id string) error
	// Restart stops a container, politely at first like Remove, and starts it again. It fails with [ErrNotExist].
	Restart(ctx context.Context, id string) error
	// Remove stops a container, politely at first, for as long as its StopGrace says, and removes it with its
	// anonymous volumes only; one that does not exist any more is fine.
	Remove(ctx context.Context, id string) error
	// Logs reads the end of what a container has written to its standard output and error: at most limit bytes of
	// the last lines, whatever bytes they are. It fails with [ErrNotExist].
	Logs(ctx context.Context, id string, limit int) ([]byte, error)
	// Stats reads the engine's own document, a JSON object, of what a running container uses of the machine. It takes a
	// while. It fails with [ErrNotExist].
	Stats(ctx context.Context, id string) (json.RawMessage, error)
	// Events sends a value (never blocking, at most one waiting) whenever something happened to one of the
	// device's containers, until ctx ends. It reconnects by itself, and sends a value after it did.
	Events(ctx context.Context) <-chan struct{}
	// Close releases the connection to the engine.
	Close() error
}

// Facts describes the machine that containers run on.
type Facts struct {
	CPUs     int
	MemoryMB int
	// What follows is for people, and empty where the engine does not say: the machine's name, its system, and
	// the engine's version.
	Hostname, OS, Kernel, Architecture, Version string
}

// within does something with the engine that is to take no longer than limit. When that ends it, the error says
// so, rather than how the engine's client puts it.
func within(ctx context.Context, limit time.Duration, do func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := do(limited)
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return fmt.Errorf("%w within %v", ErrEngineDown, limit)
	}
	return err
}
