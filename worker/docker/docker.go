// Package docker is the [worker.Engine] that runs containers on a Docker engine, 20.10 or newer.
//
// The engine is the only place that knows about containers: everything is read from it anew, and containers
// are told apart by their labels. It may be restarted, or replaced by a newer one, at any time.
package docker

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docker/docker/client"

	"muster/topics"
	"muster/worker"
)

// Options say how to run a device's containers.
type Options struct {
	// Host is the engine's address, such as unix:///var/run/docker.sock. When empty, DOCKER_HOST and the
	// other variables of Docker's own tools say it, and without them it is the machine's own engine.
	Host string
	// Device is the device's name. Containers of other devices are left alone.
	Device string
	// Network is the bridge network that containers join, and that is made when it is missing:
	// [topics.DefaultNetwork] when empty.
	Network string
	// StopTimeout is how long a container whose spec does not say has to end after SIGTERM, before it is
	// killed; 10 s when 0.
	StopTimeout time.Duration
	// Logins are the credentials for private registries.
	Logins Logins
	// TakeOver shows the containers that a Nebula worker left behind on the machine as this device's: those with
	// its labels and none of ours. At most one device of a machine may do so.
	TakeOver bool
	// Log gets what happens to the connection to the engine; nothing is logged when it is nil.
	Log *slog.Logger
}

// Engine is a [worker.Engine]. Its methods may be called at the same time.
type Engine struct {
	opts Options
	host string
	// api is the client of the API version that was agreed on with the engine; nil before that.
	api atomic.Pointer[client.Client]
	// podman says whether that is Podman\'s; nil while it is not known.
	podman atomic.Pointer[bool]
	lefts  lefts
	// closing ends what runs in the background, and running waits for it.
	closing context.Context
	close   context.CancelFunc
	running sync.WaitGroup
}

var _ worker.Engine = (*Engine)(nil)

// New makes an engine. It does not talk to Docker yet, which may be down; the error is one about the
// options.
func New(opts Options) (*Engine, error) {
	if err := topics.CheckName(opts.Device); err != nil {
		return nil, fmt.Errorf("docker engine: device: %w", err)
	}
	if opts.Network == "" {
		opts.Network = topics.DefaultNetwork
	}
	if opts.StopTimeout == 0 {
		opts.StopTimeout = 10 * time.Second
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	e := &Engine{opts: opts}
	c, err := e.newClient()
	if err != nil {
		return nil, fmt.Errorf("docker engine: %w", err)
	}
	e.host = c.DaemonHost()
	_ = c.Close() // it was made to see whether that can be done
	e.closing, e.close = context.WithCancel(context.Background())
	return e, nil
}

// Host is the address of the engine.
func (e *Engine) Host() string { return e.host }

func (e *Engine) newClient() (*client.Client, error) {
	opts := []client.Opt{client.FromEnv, client.WithAPIVersionNegotiation()}
	if e.opts.Host != "" {
		opts = append(opts, client.WithHost(e.opts.Host))
	}
	return client.NewClientWithOpts(opts...)
}

// client is a client that speaks the engine's version of the API. To agree on one before the client is
// shared avoids the data race of the client's own, lazy way of doing it.
func (e *Engine) client(ctx context.Context) (*client.Client, error) {
	for {
		if c := e.api.Load(); c != nil {
			return c, nil
		}
		c, err := e.newClient()
		if err != nil {
			return nil, err
		}
		ping, err := c.Ping(ctx)
		if err != nil {
			_ = c.Close()
			return nil, err
		}
		c.NegotiateAPIVersionPing(ping)
		if e.api.CompareAndSwap(nil, c) {
			return c, nil
		}
		_ = c.Close() // another call was faster
	}
}

// renew has the API's version agreed on again: an engine that was replaced may have dropped the old one.
func (e *Engine) renew() {
	e.podman.Store(nil)
	if c := e.api.Swap(nil); c != nil {
		_ = c.Close()
	}
}

// Facts implements [worker.Engine]. Memory is counted in MiB, as Nebula does.
func (e *Engine) Facts(ctx context.Context) (worker.Facts, error) {
	const doing = "read the engine's facts"
	c, err := e.client(ctx)
	if err != nil {
		return worker.Facts{}, explain(ctx, doing, err)
	}
	info, err := c.Info(ctx)
	if err != nil {
		return worker.Facts{}, explain(ctx, doing, err)
	}
	return worker.Facts{
		CPUs: info.NCPU, MemoryMB: int(info.MemTotal >> 20),
		Hostname: info.Name, OS: info.OperatingSystem, Kernel: info.KernelVersion, Architecture: info.Architecture, Version: info.ServerVersion,
	}, nil
}

// Close implements [worker.Engine]. It ends the channels' senders that [Engine.Events] started; containers
// run on.
func (e *Engine) Close() error {
	e.close()
	e.running.Wait()
	e.renew()
	return nil
}
