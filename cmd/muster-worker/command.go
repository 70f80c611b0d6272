package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"muster/cmd/internal/brokerflags"
	"muster/cmd/internal/program"
	"muster/cmd/internal/settings"
	"muster/topics"
)

// nebulaNames are the environment variables of Nebula's worker.
var nebulaNames = settings.Aliases{
	"device-group":  {"DEVICE_GROUP"},
	"check-in-time": {"NEBULA_MANAGER_CHECK_IN_TIME"},

	"max-restart-wait": {"MAX_RESTART_WAIT_IN_SECONDS"},

	"report-on-update-only": {"REPORT_ON_UPDATE_ONLY"},
	"reporting-fail-hard":   {"REPORTING_FAIL_HARD"},

	"registry-host":          {"REGISTRY_HOST"},
	"registry-auth-user":     {"REGISTRY_AUTH_USER"},
	"registry-auth-password": {"REGISTRY_AUTH_PASSWORD"},
}

// workerFlags are the settings of muster-worker.
type workerFlags struct {
	broker       brokerflags.Flags
	enroll       enrollFlags
	registry     registryFlags
	disk         diskFlags
	group        string
	device       string
	stateDir     string
	dockerHost   string
	checkIn      time.Duration
	reports      reportFlags
	topicRoot    string
	retainStatus bool
	takeOver     bool
	log          program.LogFlags
}

func newCommand(stdout, stderr io.Writer) *cobra.Command {
	var f workerFlags
	command := &cobra.Command{
		Use:     "muster-worker",
		Short:   "Make this device run what its device_group's config says",
		Args:    cobra.NoArgs,
		Version: program.Version(),
		RunE: f.log.Run(stderr, f.check, func(ctx context.Context, log *slog.Logger) error {
			return run(ctx, f, log)
		}),
	}
	command.CompletionOptions.DisableDefaultCmd = true
	flags := command.Flags()
	f.broker.Declare(flags, "MQTT broker to connect to")
	f.enroll.declare(flags)
	flags.StringVar(&f.group, "device-group", "", "device_group whose config this device follows; not needed by one that is enrolled")
	flags.StringVar(&f.device, "device", "", "this device's name; no two devices may have the same (default the name in its certificate, or the host's)")
	flags.StringVar(&f.stateDir, "state-dir", defaultStateDir, "directory of the last config, which the device starts from without a network")
	flags.StringVar(&f.dockerHost, "docker-host", "", "address of the Docker engine [$DOCKER_HOST] (default unix:///var/run/docker.sock)")
	f.registry.declare(flags)
	settings.DurationVar(flags, &f.checkIn, "check-in-time", 30*time.Second, "how often to ask for the config, beside being told")
	f.reports.declare(flags)
	flags.StringVar(&f.topicRoot, "topic-root", string(topics.DefaultRoot), "prefix of all MQTT topics")
	flags.BoolVar(&f.retainStatus, "retain-status", true, "whether the broker keeps this device's last status for those who look later")
	f.disk.declare(flags)
	flags.BoolVar(&f.takeOver, "take-over-nebula", true, "take over, or remove, the containers that a Nebula worker left behind on this machine")
	f.log.Declare(flags)
	program.Settings(command, nebulaNames)
	command.AddCommand(newStatusCommand(stdout))
	return command
}

// check refuses what can be refused before anything is opened.
func (f *workerFlags) check() error {
	if f.group != "" {
		if err := topics.CheckName(f.group); err != nil {
			return fmt.Errorf("device-group: %q: %w", f.group, err)
		}
	}
	if f.stateDir == "" {
		return errors.New("state-dir: must not be empty")
	}
	if _, err := topics.ParseRoot(f.topicRoot); err != nil {
		return fmt.Errorf("topic-root: %w", err)
	}
	if f.registry.maxPulls < 1 {
		return fmt.Errorf("max-pulls: must be 1 or more, is %d", f.registry.maxPulls)
	}
	if err := f.reports.check(); err != nil {
		return err
	}
	if _, err := f.registry.logins(); err != nil {
		return err
	}
	_, err := f.standing()
	return err
}
