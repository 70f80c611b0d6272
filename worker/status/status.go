// Package status tells people on a device how it is, from what the worker keeps in its state directory. It works
// without a manager, and without a worker that runs.
package status

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"muster/topics"
	"muster/worker"
	"muster/worker/link"
	"muster/worker/outbox"
)

// A Status is what can be known of the device's worker. It holds nothing of a config that may be secret.
type Status struct {
	// Running says that a worker runs.
	Running bool `json:"running"`
	// Config is the version of the config on the disk, and what it lists; zero when there is none. Trouble says why it
	// cannot be read.
	Config  Config `json:"config,omitzero"`
	Trouble string `json:"trouble,omitempty"`
	// Report is what the worker last said, and Link how its connection was; nil when it never did.
	Report *topics.Report `json:"report,omitempty"`
	Link   *link.State    `json:"link,omitempty"`
	// Identity is how the managers know the device; nil when it has no identity and asks for none.
	Identity *Identity `json:"identity,omitempty"`
	// Reports are those that the broker has not acknowledged.
	Reports outbox.Count `json:"reports"`
	// At is when this was found out.
	At time.Time `json:"at"`
}

// A Config is what the config on the disk asks for.
type Config struct {
	DeviceGroup string `json:"device_group"`
	topics.Version
	IssuedAt time.Time `json:"issued_at"`
	Apps     []string  `json:"apps"`
	CronJobs []string  `json:"cron_jobs"`
}

// Read looks at the state directory. Machine reads facts of the device. It fails when there is no such directory, with
// [fs.ErrNotExist], or when it may not be read.
func Read(ctx context.Context, dir string, machine func(context.Context) topics.Machine) (Status, error) {
	s := Status{At: time.Now()}
	var err error
	if s.Running, err = worker.Running(dir); err != nil {
		return Status{}, err
	}
	config, err := worker.LoadConfig(dir)
	switch {
	case errors.Is(err, worker.ErrCorrupt):
		s.Trouble = err.Error()
	case err != nil:
		return Status{}, err
	case !config.Version.IsZero():
		s.Config = Config{
			DeviceGroup: config.DeviceGroup, Version: config.Version, IssuedAt: config.IssuedAt,
			Apps: config.AppsList, CronJobs: config.CronJobsList,
		}
	}
	report, err := worker.LoadReport(dir)
	switch {
	case err == nil:
		report.Machine = withEngine(machine(ctx), report.Machine)
		s.Report = &report
	case !errors.Is(err, fs.ErrNotExist):
		s.Trouble = fmt.Sprintf("the worker's report is of no use: %v", err)
	}
	s.Reports = link.LoadOutbox(dir)
	state, err := link.LoadState(dir)
	if err == nil {
		s.Link = &state
	}
	s.Identity = readIdentity(dir)
	return s, nil
}

// withEngine is what is true now, with what the worker knew of the engine.
func withEngine(now, engine topics.Machine) topics.Machine {
	now.Hostname, now.OS, now.Kernel, now.Architecture, now.Engine = engine.Hostname, engine.OS, engine.Kernel, engine.Architecture, engine.Engine
	return now
}

// Failing says in a few words what is not as wanted; empty when all is.
func (s Status) Failing() string {
	switch {
	case s.Trouble != "":
		return s.Trouble
	case s.Report == nil:
		return "the worker has said nothing yet"
	case len(s.Report.Failing) > 0:
		return fmt.Sprintf("%d failing", len(s.Report.Failing))
	case s.Report.Phase == topics.PhaseWaiting:
		return "there is no config yet"
	case s.Report.Phase != topics.PhaseSettled || s.Config.Version != s.Report.Version:
		return "the config is not applied yet"
	}
	return ""
}
