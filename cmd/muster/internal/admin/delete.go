package admin

import (
	"context"

	"github.com/spf13/cobra"

	"muster/manager/client"
)

func newDelete() *cobra.Command {
	var below []*cobra.Command
	for _, k := range kinds() {
		below = append(below, newDeleteKind(k.word, k.complete, k.remove))
	}
	device := newDeleteKind("device", deviceNames, func(ctx context.Context, c *client.Client, name string) error { return c.DeleteDevice(ctx, name) })
	device.Long = "Has the managers forget devices: their last reports, labels and notes. One that is connected comes back by itself."
	below = append(below, device)
	return parent("delete", "Delete objects, without asking again", "see muster delete --help", below...)
}

func newDeleteKind(word string, names names, remove func(ctx context.Context, c *client.Client, name string) error) *cobra.Command {
	plural := word + "s"
	command := &cobra.Command{
		Use: word + " NAME...", Aliases: aliases(word, plural), Args: cobra.MinimumNArgs(1),
		Short: "Delete " + plural + ", without asking again",
	}
	return asks(command, names, func(command *cobra.Command, c *client.Client, args []string) error {
		return each(args, func(name string) error {
			if err := remove(command.Context(), c, name); err != nil {
				return err
			}
			return say(command, "%s %q deleted", word, name)
		})
	})
}
