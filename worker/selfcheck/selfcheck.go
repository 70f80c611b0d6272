// Package selfcheck says at a worker's start what is missing on the device, in words that say what to do. A worker goes
// on all the same, because such trouble passes.
package selfcheck

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"muster/worker"
)

// Options say what to look at.
type Options struct {
	// Host is the container engine's address, such as unix:///var/run/docker.sock.
	Host   string
	Engine interface {
		Facts(ctx context.Context) (worker.Facts, error)
	}
	StateDir string
	// Built is when the program was built; zero when nobody knows.
	Built time.Time
}

const (
	// engineTime is how long the engine may take to answer.
	engineTime = 10 * time.Second
	// clockSlack is how far behind the config's time the clock may be: managers' clocks are not exact either.
	clockSlack = 24 * time.Hour
)

// Run looks, and returns a line for each thing that is not as it should be.
func Run(ctx context.Context, o Options) (problems []string) {
	for _, check := range []func(context.Context, Options) string{engine, stateDir, clock} {
		if problem := check(ctx, o); problem != "" && ctx.Err() == nil {
			problems = append(problems, problem)
		}
	}
	return problems
}

func engine(ctx context.Context, o Options) string {
	ctx, cancel := context.WithTimeout(ctx, engineTime)
	defer cancel()
	if path, local := strings.CutPrefix(o.Host, "unix://"); local {
		connection, err := new(net.Dialer).DialContext(ctx, "unix", path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Sprintf("no container engine: there is no socket %s; is it installed, and is --docker-host right?", path)
		case errors.Is(err, fs.ErrPermission):
			return fmt.Sprintf("no permission to use the container engine's socket %s; run the worker as root or in the group that owns it", path)
		case errors.Is(err, syscall.ECONNREFUSED):
			return fmt.Sprintf("nothing answers at the container engine's socket %s; is the engine started?", path)
		case err == nil:
			_ = connection.Close()
		}
	}
	if _, err := o.Engine.Facts(ctx); err != nil {
		return fmt.Sprintf("the container engine at %s is of no use yet: %v", o.Host, err)
	}
	return ""
}

// stateDir tries a write, of more than a file system may have in reserve for names.
func stateDir(_ context.Context, o Options) string {
	path := filepath.Join(o.StateDir, "self-check.tmp")
	err := write(path, make([]byte, 64<<10))
	if rerr := os.Remove(path); err == nil {
		err = rerr
	}
	switch {
	case err == nil:
		return ""
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Sprintf("the disk of the state directory %s is full: a newer config cannot be taken", o.StateDir)
	case errors.Is(err, syscall.EROFS):
		return fmt.Sprintf("the state directory %s is on a read-only file system: a newer config cannot be taken", o.StateDir)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("the state directory %s may not be written: a newer config cannot be taken", o.StateDir)
	}
	return fmt.Sprintf("the state directory %s cannot be written: %v", o.StateDir, err)
}

func write(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

func clock(_ context.Context, o Options) string {
	now := time.Now()
	if now.Before(o.Built) {
		return fmt.Sprintf("the clock says %s, before this program was built (%s): certificates and schedules may fail",
			now.UTC().Format(time.RFC3339), o.Built.UTC().Format(time.RFC3339))
	}
	// Whoever starts the worker tells of a config that cannot be read.
	config, err := worker.LoadConfig(o.StateDir)
	if err == nil && now.Add(clockSlack).Before(config.IssuedAt) {
		return fmt.Sprintf("the clock says %s, but the config was issued at %s: certificates and schedules may fail",
			now.UTC().Format(time.RFC3339), config.IssuedAt.UTC().Format(time.RFC3339))
	}
	return ""
}

// Built is when this program's source was committed, as the go command recorded it; zero when it did not.
func Built() time.Time {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return time.Time{}
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			built, _ := time.Parse(time.RFC3339, s.Value)
			return built
		}
	}
	return time.Time{}
}
