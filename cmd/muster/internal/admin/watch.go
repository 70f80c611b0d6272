package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"muster/cmd/internal/program"
	"muster/cmd/internal/settings"
	"muster/cmd/muster/internal/rollout"
	"muster/manager/client"
	"muster/topics"
)

// watchInterval is how long "muster watch" waits between two looks.
const watchInterval = time.Second

func newWatch() *cobra.Command {
	var (
		chosen selection
		rules  rollout.Rules
	)
	command := &cobra.Command{
		Use: "watch [DEVICE_GROUP]", Args: cobra.MaximumNArgs(1),
		Short: "Follow a rollout until all devices have done what is wanted, or some cannot",
		Long: "Follows the devices of a device_group, or those with a label, while they take up what is wanted of them. Ends with\n" +
			"exit code 0 when all that are connected have, 1 when on some something fails and nothing else is under way, and\n" +
			"4 when time is up. On a terminal it is a table that changes; else a line is written whenever the numbers change.",
		Example: "  muster apply -f fleet.yaml && muster watch shops\n  muster watch --label site=north",
	}
	flags := command.Flags()
	chosen.declareLabels(flags)
	flags.BoolVar(&rules.All, "all", false, "also wait for devices that are offline")
	settings.DurationVar(flags, &rules.Patience, "patience", 30*time.Second, "how long something may fail, with nothing else under way, until the rollout has failed")
	settings.DurationVar(flags, &rules.Within, "within", time.Hour, "how long it may take; 0 is without a limit")
	return asks(command, watchable, func(command *cobra.Command, c *client.Client, args []string) (err error) {
		if len(args) > 0 {
			chosen.DeviceGroup = args[0]
		}
		if chosen.DeviceGroup == "" && len(chosen.Labels) == 0 {
			return &program.UsageError{Err: errors.New("watch what? give a DEVICE_GROUP or --label")}
		}
		if rules.AtLeast, err = wantedNow(command.Context(), c, chosen.DeviceQuery); err != nil {
			return err
		}
		err = rollout.Watch{
			Fleet: c, Query: chosen.DeviceQuery, Rules: rules, Title: chosen.title(), Interval: watchInterval,
			Out: command.OutOrStdout(), Terminal: terminal(command.OutOrStdout()),
		}.Run(command.Context())
		if errors.Is(err, rollout.ErrLate) {
			return &program.LateError{Err: err}
		}
		return err
	})
}

// title says what is selected.
func (s *selection) title() string {
	title := "devices"
	if s.DeviceGroup != "" {
		title = "device_group " + s.DeviceGroup
	}
	for _, label := range s.Labels {
		title += " with " + label
	}
	return title
}

// wantedNow are the configs that devices are to have, by device_group. To ask has the manager make them, if a change has not
// found its way into one yet.
func wantedNow(ctx context.Context, c *client.Client, q client.DeviceQuery) (map[string]topics.Version, error) {
	groups := map[string]topics.Version{}
	if q.DeviceGroup != "" {
		groups[q.DeviceGroup] = topics.Version{}
	} else {
		page, err := c.CountDevices(ctx, q, client.MaxPage)
		if err != nil {
			return nil, err
		}
		for _, d := range page.Devices {
			groups[d.DeviceGroup] = topics.Version{}
		}
	}
	for group := range groups {
		config, err := c.Info(ctx, group)
		switch {
		case errors.Is(err, client.ErrNotAllowed), errors.Is(err, client.ErrNotFound) && q.DeviceGroup == "":
			delete(groups, group)
			continue
		case err != nil:
			return nil, err
		}
		var wanted topics.Version
		if err := json.Unmarshal(config, &wanted); err != nil {
			return nil, fmt.Errorf("get config of device_group %q: %w", group, err)
		}
		groups[group] = wanted
	}
	return groups, nil
}

// terminal gives the size of the terminal that w is; nil when it is none.
func terminal(w io.Writer) func() (width, height int) {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	return func() (width, height int) {
		width, height, err := term.GetSize(int(file.Fd()))
		if err != nil || width <= 0 || height <= 0 {
			return 80, 24
		}
		return width, height
	}
}

// watchable offers device_groups for the one argument.
func watchable(ctx context.Context, c *client.Client, _ []string, _ string) ([]string, error) {
	return c.DeviceGroups().Names(ctx)
}
