package admin

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"muster/cmd/muster/internal/output"
	"muster/manager/client"
)

func newGetConfigs() *cobra.Command {
	var (
		format output.Format
		limit  uint
	)
	command := &cobra.Command{
		Use: "configs DEVICE_GROUP", Aliases: []string{"config"}, Args: cobra.ExactArgs(1),
		Short: "Show which configs the devices of a device_group were given, newest first",
	}
	format.Declare(command, output.Table, output.JSON, output.YAML)
	declareLimit(command.Flags(), &limit)
	return asks(command, configNames, func(command *cobra.Command, c *client.Client, args []string) error {
		configs, err := first(limit, c.Configs(command.Context(), args[0]))
		if err != nil {
			return err
		}
		rows := make([][]string, len(configs))
		for i, config := range configs {
			rows[i] = []string{number(config.ConfigID), config.IssuedAt.UTC().Format(time.RFC3339), list(by(config.By)), config.SHA256[:min(12, len(config.SHA256))], config.Epoch}
		}
		return format.Print(command.OutOrStdout(), configs, []string{"config_id", "issued_at", "by", "sha256", "epoch"}, rows)
	})
}

// by is who did something, if that is known.
func by(name string) []string {
	if name == "" {
		return nil
	}
	return []string{name}
}

// configNames offers device_groups, and behind one its config_ids.
func configNames(ctx context.Context, c *client.Client, args []string, _ string) ([]string, error) {
	if len(args) == 0 {
		return c.DeviceGroups().Names(ctx)
	}
	configs, err := first(0, c.Configs(ctx, args[0]))
	ids := make([]string, len(configs))
	for i, config := range configs {
		ids[i] = number(config.ConfigID)
	}
	return ids, err
}
