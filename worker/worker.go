package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"muster/topics"
)

// Options say what a [Worker] works for and with.
type Options struct {
	// Group is the device_group that the device belongs to.
	Group string
	// Device and Agent are what the device's report calls it and its program; empty where nobody looks.
	Device, Agent string
	// StateDir is the directory for what must outlive a restart; it is made when it is missing. It
	// belongs to one worker at a time.
	StateDir string
	Engine   Engine
	Link     Link
	// Recheck is how often the containers are looked at when nothing tells of a change; 0 is 30 s.
	Recheck time.Duration
	// DiskReserve is how many bytes of the disk that holds the images are to stay free: a pull that would take
	// of them is put off.
	DiskReserve int64
	// PruneOnDiskPressure has unneeded images removed when there is no room for a new one, or less free than the
	// reserve.
	PruneOnDiskPressure bool
	// MaxPulls is how many images are fetched at the same time; 0 is 2.
	MaxPulls int
	// MaxRestartWait is the longest time that containers wait before what a config changes of them begins. Each
	// app draws its own at random.
	MaxRestartWait time.Duration
	// Beat, if there is one, is called by the worker's loop at its first turn, and at least every BeatEvery from then
	// on for as long as the loop goes on.
	Beat      func()
	BeatEvery time.Duration
	// Log is where the worker tells what it does; nil is nowhere.
	Log *slog.Logger
}

// A Worker makes a device run what the config of its device_group says.
type Worker struct{ Options }

// New checks the options.
func New(o Options) (*Worker, error) {
	if err := topics.CheckName(o.Group); err != nil {
		return nil, fmt.Errorf("device_group %q: %w", o.Group, err)
	}
	if o.StateDir == "" {
		return nil, errors.New("a state directory must be given")
	}
	if o.Engine == nil || o.Link == nil {
		return nil, errors.New("an engine and a link must be given")
	}
	if o.Recheck <= 0 {
		o.Recheck = 30 * time.Second
	}
	if o.MaxPulls <= 0 {
		o.MaxPulls = defaultMaxPulls
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Worker{Options: o}, nil
}

// Run works until ctx ends, and returns nil then. No container is stopped by that. It returns an error
// when another worker has the state directory, when the state file cannot be read or (wrapping [ErrCorrupt])
// is not what a worker wrote, or when the link can never work; nothing was changed in the first two cases.
func (w *Worker) Run(ctx context.Context) error {
	unlock, err := Lock(w.StateDir)
	if err != nil {
		return err
	}
	defer unlock()
	held, err := loadState(w.StateDir)
	if err != nil {
		return err
	}
	left := loadRecords(w.StateDir, w.Group, w.Log)

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	linked := make(chan error, 1)
	go func() {
		defer cancel() // a worker that can never hear of a newer config is not left running
		linked <- w.Link.Run(ctx)
	}()
	newLoop(w.Options, held, left).run(ctx)
	if err := <-linked; err != nil {
		return fmt.Errorf("link to the managers: %w", err)
	}
	return nil
}

// lockFile is the file in the state directory that the worker has locked.
const lockFile = "lock"

// lockTime is how long to try to get the lock: who looks whether a worker runs has it for a moment.
const lockTime = time.Second

// Lock takes the state directory, which it makes when it is missing, for this process. [Worker.Run] does that itself.
func Lock(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the state directory: %w", err)
	}
	l := flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(0o600))
	ctx, cancel := context.WithTimeout(context.Background(), lockTime)
	defer cancel()
	locked, err := l.TryLockContext(ctx, lockTime/20)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("lock the state directory: %w", err)
	}
	if !locked {
		return nil, fmt.Errorf("state directory %s is in use by another worker; give each its own", dir)
	}
	// The lock ends with the process in any case.
	return func() { _ = l.Unlock() }, nil
}
