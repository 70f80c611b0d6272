package admin

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"muster/manager/client"
)

func newPrune() *cobra.Command {
	var all bool
	command := &cobra.Command{
		Use:   "prune (DEVICE_GROUP... | --all)",
		Short: "Have the devices of device_groups remove images that they do not use",
	}
	command.Flags().BoolVar(&all, "all", false, "those of every device_group")
	command.Args = func(_ *cobra.Command, args []string) error {
		if all == (len(args) > 0) {
			return errors.New("prune what? DEVICE_GROUP... or --all")
		}
		return nil
	}
	names := func(ctx context.Context, c *client.Client, _ []string, _ string) ([]string, error) {
		return c.DeviceGroups().Names(ctx)
	}
	return asks(command, names, func(command *cobra.Command, c *client.Client, args []string) error {
		pruned := func(name string, id int64) error {
			return say(command, "device_group %q pruned (prune_id %d)", name, id)
		}
		if all {
			ids, err := c.PruneAll(command.Context())
			for _, name := range slices.Sorted(maps.Keys(ids)) {
				err = errors.Join(err, pruned(name, ids[name]))
			}
			return err
		}
		return each(args, func(name string) error {
			group, err := c.Prune(command.Context(), name)
			if err != nil {
				return err
			}
			return pruned(name, group.PruneID)
		})
	})
}
