package admin

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"muster/cmd/internal/program"
	"muster/cmd/muster/internal/output"
	"muster/manager/apply"
	"muster/manager/client"
)

func newApply() *cobra.Command {
	var (
		files         []string
		dryRun, prune bool
		format        output.Format
	)
	command := &cobra.Command{
		Use:   "apply -f FILE...",
		Short: "Make apps, cron_jobs, device_groups and user_groups what files say",
		Long: `Make apps, cron_jobs, device_groups and user_groups what files say.

A file is YAML or JSON with the objects by kind and name, in the words of the REST API:

  apps:
    web: {docker_image: "nginx:1", starting_ports: [80]}
  device_groups:
    shops: {apps: [web]}

What a file leaves out of an object has its default, but for running, which stays as it is. Objects that no file
names are left alone. Values of env_vars are never printed.`,
		Args: cobra.NoArgs,
	}
	flags := command.Flags()
	flags.StringArrayVarP(&files, "file", "f", nil, "file, folder, or - for the standard input; may be given several times")
	flags.BoolVar(&dryRun, "dry-run", false, "only print what would be done; exit code 3 if there is anything")
	flags.BoolVar(&prune, "prune", false, "delete what the files do not name, of those kinds that they have a key for")
	format.Declare(command, output.Table, output.JSON)
	asks(command, nil, func(command *cobra.Command, c *client.Client, _ []string) error {
		plan, err := makePlan(command, c, files, prune)
		if err != nil {
			return err
		}
		if dryRun {
			return show(command, plan, format)
		}
		return carryOut(command, plan, format)
	})
	_ = command.MarkFlagRequired("file") // the flag is there
	command.ValidArgsFunction = cobra.NoFileCompletions
	return command
}

func makePlan(command *cobra.Command, c *client.Client, files []string, prune bool) (apply.Plan, error) {
	fleet, err := apply.Read(files, command.InOrStdin())
	if err != nil {
		return apply.Plan{}, &program.UsageError{Err: err}
	}
	plan, err := apply.Make(command.Context(), c, fleet, prune)
	if wrong, ok := errors.AsType[*apply.MistakesError](err); ok {
		for _, mistake := range wrong.Mistakes {
			_, _ = fmt.Fprintln(command.ErrOrStderr(), mistake) // whoever does not listen sees the exit code
		}
		return apply.Plan{}, &program.UsageError{Err: fmt.Errorf("nothing was changed: the files have mistakes: %d", len(wrong.Mistakes))}
	}
	return plan, err
}

// show prints the plan.
func show(command *cobra.Command, plan apply.Plan, format output.Format) error {
	var err error
	if format == output.JSON {
		steps := append([]apply.Step{}, plan.Steps...)
		err = format.Print(command.OutOrStdout(), map[string]any{"steps": steps, "same": plan.Same}, nil, nil)
	} else {
		for _, step := range plan.Steps {
			err = errors.Join(err, say(command, "%s", step.Text()))
		}
		err = errors.Join(err, say(command, "%s", plan.Summary()))
	}
	if err == nil && len(plan.Steps) > 0 {
		return program.ErrDiffers
	}
	return err
}

// carryOut does what the plan says and prints each step that was done; in JSON one line for each.
func carryOut(command *cobra.Command, plan apply.Plan, format output.Format) error {
	lines := json.NewEncoder(command.OutOrStdout())
	var printed error
	left := 0
	err := plan.Run(command.Context(), func(step apply.Step, err error) {
		switch {
		case errors.Is(err, apply.ErrNotTried): // one line for each would hide the others
			left++
		case err != nil:
			_, _ = fmt.Fprintf(command.ErrOrStderr(), "%v: %v\n", step, err) // the command fails in any case
		case format == output.JSON:
			printed = errors.Join(printed, lines.Encode(step))
		default:
			printed = errors.Join(printed, say(command, "%s", step.Text()))
		}
	})
	if left > 0 {
		err = fmt.Errorf("%w, %d of them not tried because of others", err, left)
	}
	if err == nil && format != output.JSON {
		printed = errors.Join(printed, say(command, "done: %s", plan.Summary()))
	}
	return errors.Join(err, printed)
}

func newExport() *cobra.Command {
	format := output.YAML
	command := &cobra.Command{
		Use:   "export",
		Short: "Print everything that muster apply can make, as a file for it; env_vars included",
		Args:  cobra.NoArgs,
	}
	format.Declare(command, output.YAML, output.JSON)
	return asks(command, nil, func(command *cobra.Command, c *client.Client, _ []string) error {
		sections, err := apply.Export(command.Context(), c)
		if err != nil {
			return err
		}
		return format.Print(command.OutOrStdout(), sections, nil, nil)
	})
}
