package admin

import (
	"github.com/spf13/cobra"

	"muster/manager/client"
)

func newDeviceSecret() *cobra.Command {
	var s client.NewSecret
	command := &cobra.Command{
		Use: "secret NAME", Args: cobra.ExactArgs(1),
		Short: "Let a device in by a secret, and print it this once",
		Long: "For devices that cannot have a key of their own: makes a secret, and prints it, alone on stdout: nobody can be told it again. The device\n" +
			"logs in to the broker with it, its name as user name and as client id. A secret or key that it had before is out at once.",
		Example: "  muster devices secret meter-7 --group meters > secret",
	}
	flags := command.Flags()
	flags.StringVarP(&s.DeviceGroup, "group", "g", "", "the device_group of the device; may be left out when it has an identity")
	flags.BoolVar(&s.ReplaceKey, "replace-key", false, "take the device its key, if it has one; its certificates are not revoked at external brokers")
	return asks(command, deviceNames, func(command *cobra.Command, c *client.Client, args []string) error {
		secret, err := c.MakeDeviceSecret(command.Context(), args[0], s)
		if err != nil {
			return err
		}
		note(command, "secret of device %q, which is its user name and client id", args[0])
		return say(command, "%s", secret)
	})
}
