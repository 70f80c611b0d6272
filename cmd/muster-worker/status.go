package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"muster/cmd/internal/program"
	"muster/cmd/internal/settings"
	"muster/worker/machine"
	"muster/worker/status"
)

// defaultStateDir is where a worker keeps what outlives a restart.
const defaultStateDir = "/var/lib/muster-worker"

func newStatusCommand(stdout io.Writer) *cobra.Command {
	var dir, output string
	command := &cobra.Command{
		Use:   "status",
		Short: "Show what this device should run, what it runs, why not, and when it tries next",
		Long: "Show what this device should run, what it runs, why not, and when it tries next. It reads the worker's state\n" +
			"directory and needs no manager.\n\n" +
			"Exit codes: 0 everything runs as wanted; 1 something fails, or is not done yet; 3 no worker runs.",
		Args: cobra.NoArgs,
		PreRunE: func(command *cobra.Command, _ []string) error {
			return settings.Load(command.Flags(), nil, os.LookupEnv)
		},
		RunE: func(command *cobra.Command, _ []string) error {
			if output != "text" && output != "json" {
				return &program.UsageError{Err: fmt.Errorf("output: must be text or json, is %q", output)}
			}
			s, err := status.Read(command.Context(), dir, machine.NewReader(dir).Read)
			if errors.Is(err, fs.ErrPermission) {
				return fmt.Errorf("%w; run this as the worker's user, with sudo for example", err)
			}
			if err != nil {
				return err
			}
			if output == "json" {
				err = json.NewEncoder(stdout).Encode(s)
			} else {
				err = s.Text(stdout)
			}
			switch why := s.Failing(); {
			case err != nil:
				return err
			case !s.Running:
				return program.ErrDiffers
			case why != "":
				return errors.New(why)
			}
			return nil
		},
	}
	command.Flags().StringVar(&dir, "state-dir", defaultStateDir, "the worker's state directory [$"+settings.Env("state-dir")+"]")
	command.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	return command
}
