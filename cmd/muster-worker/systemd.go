package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// A systemd is the service manager that has started the worker, or nobody.
type systemd struct {
	log *slog.Logger
	// every is how often it is to hear of the worker.
	every time.Duration
	// supervises says that systemd has started the worker, and would start it again at once if it ended.
	supervises bool
	// ready says that it has been told that the worker is; watching that it wants to hear more.
	ready, watching bool
}

// newSystemd has systemd told when ctx has ended.
func newSystemd(ctx context.Context, log *slog.Logger) (*systemd, error) {
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return nil, fmt.Errorf("watchdog of systemd: %w", err)
	}
	s := &systemd{log: log, every: limit / 3, watching: limit > 0, supervises: os.Getenv("NOTIFY_SOCKET") != ""}
	if !s.watching {
		s.every = math.MaxInt64
	}
	context.AfterFunc(ctx, func() { s.tell(daemon.SdNotifyStopping) })
	return s, nil
}

// beat tells systemd that the worker has begun, and then that it goes on. It is called by the worker's loop and nobody
// else: one that hangs is to be missed, and restarted.
func (s *systemd) beat() {
	switch {
	case !s.ready:
		s.ready = true
		s.tell(daemon.SdNotifyReady)
	case s.watching:
		s.tell(daemon.SdNotifyWatchdog)
	}
}

func (s *systemd) tell(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		s.log.Warn("systemd cannot be told how the worker is", "state", state, "error", err)
	}
}
