package admin

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"muster/cmd/internal/program"
	"muster/manager/client"
	"muster/manager/fleet"
	"muster/manager/store"
)

func newDevices() *cobra.Command {
	return parent("devices", "Let devices in, and shut devices out", "approve, deny, revoke or secret",
		newApprove(), newDeny(), newRevoke(), newDeviceSecret())
}

func newApprove() *cobra.Command {
	command := &cobra.Command{
		Use: "approve (NAME... | --all)", Short: "Let devices in that wait for it",
		Long: "Lets devices in that enroll by a token that was made with --approve. Whoever has the key is let in: --all and muster describe\n" +
			"device show its fingerprint, muster-worker status shows the device's own.",
		Example: "  muster devices approve till-1 till-2\n  muster devices approve --all --token-id ABCDEFGH23",
	}
	return decides(command, "approved", func(ctx context.Context, c *client.Client, name string) error {
		_, err := c.ApproveDevice(ctx, name)
		return err
	})
}

func newDeny() *cobra.Command {
	command := &cobra.Command{
		Use: "deny (NAME... | --all)", Short: "Refuse devices that wait to be let in",
		Long: "Refuses devices that wait to be let in, by revoking them: nobody is let in under such a name before muster delete device has\n" +
			"had it forgotten.",
		Example: "  muster devices deny till-1\n  muster devices deny --all --token-id ABCDEFGH23",
	}
	return decides(command, "denied", func(ctx context.Context, c *client.Client, name string) error {
		d, err := c.Device(ctx, name)
		if err == nil && !waits(d) {
			err = fmt.Errorf("device %q: does not wait to be let in; muster devices revoke shuts out whoever is in", name)
		}
		if err == nil {
			_, err = c.RevokeDevice(ctx, name)
		}
		return err
	})
}

func waits(d fleet.Detail) bool {
	return d.Identity != nil && d.Identity.State == store.IdentityPending
}

// decides gives a command about devices that wait what to do with each: with the named ones, or with all that its flags select.
func decides(command *cobra.Command, done string, decide func(ctx context.Context, c *client.Client, name string) error) *cobra.Command {
	var (
		all, sure bool
		which     waiting
	)
	flags := command.Flags()
	flags.BoolVar(&all, "all", false, "all that wait, once you have seen them and said yes")
	flags.StringVarP(&which.group, "device-group", "g", "", "with --all: only those of this device_group")
	flags.StringVar(&which.tokenID, "token-id", "", "with --all: only those that enroll by the token with this ID")
	declareYes(flags, &sure)
	return asks(command, pendingNames, func(command *cobra.Command, c *client.Client, names []string) error {
		switch {
		case all == (len(names) > 0):
			return &program.UsageError{Err: errors.New("NAME: must be given, or --all instead")}
		case !all && which != (waiting{}):
			return &program.UsageError{Err: errors.New("NAME: cannot be joined by --device-group or --token-id")}
		}
		if all {
			found, err := which.find(command.Context(), c)
			if err != nil {
				return err
			}
			if len(found) == 0 {
				return say(command, "no device waits")
			}
			if names, err = found.agreed(command, sure, done); err != nil {
				return err
			}
		}
		return each(names, func(name string) error {
			if err := decide(command.Context(), c, name); err != nil {
				return err
			}
			return say(command, "device %q %s", name, done)
		})
	})
}

func newRevoke() *cobra.Command {
	var sure bool
	command := &cobra.Command{
		Use: "revoke NAME...", Args: cobra.MinimumNArgs(1),
		Short: "Shut devices out for good, asking first when it is more than one",
		Long: "Shuts devices out for good: they are disconnected at once, and whatever they show, they are not let in again. Their apps go on.\n" +
			"There is no way back but muster delete device, and to enroll anew.",
	}
	declareYes(command.Flags(), &sure)
	return asks(command, deviceNames, func(command *cobra.Command, c *client.Client, names []string) error {
		if len(names) > 1 && !sure {
			if err := confirm(command, "%d devices are to be shut out for good.", len(names)); err != nil {
				return err
			}
		}
		return each(names, func(name string) error {
			if _, err := c.RevokeDevice(command.Context(), name); err != nil {
				return err
			}
			return say(command, "device %q revoked", name)
		})
	})
}
