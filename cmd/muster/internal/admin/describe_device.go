package admin

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"muster/cmd/muster/internal/device"
	"muster/cmd/muster/internal/output"
	"muster/manager/client"
)

func newDescribeDevice() *cobra.Command {
	var format output.Format
	command := &cobra.Command{
		Use: "device NAME", Aliases: []string{"devices"}, Args: cobra.ExactArgs(1),
		Short: "Show on one screen what a device runs, and why not what it should",
		Long: "Shows what is known of a device: whether it is connected, which config it is to apply and which it has applied, of\n" +
			"each app which version is wanted and which runs, why not and when it tries again, and what happened last.\n" +
			"What the reasons mean is in docs/reasons.md.",
	}
	format.Declare(command, output.Text, output.JSON, output.YAML)
	return asks(command, firstDevice, func(command *cobra.Command, c *client.Client, args []string) error {
		d, err := c.Device(command.Context(), args[0])
		if err != nil {
			return err
		}
		if format == output.Text {
			_, err := io.WriteString(command.OutOrStdout(), device.Describe(d, time.Now()).String())
			return err
		}
		return format.Print(command.OutOrStdout(), d, nil, nil)
	})
}

// firstDevice offers devices for the first argument alone.
func firstDevice(ctx context.Context, c *client.Client, args []string, begun string) ([]string, error) {
	if len(args) > 0 {
		return nil, nil
	}
	return deviceNames(ctx, c, args, begun)
}
