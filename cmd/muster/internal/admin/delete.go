package admin

import (
	"github.com/spf13/cobra"

	"muster/manager/client"
)

func newDelete() *cobra.Command {
	var below []*cobra.Command
	for _, k := range kinds() {
		below = append(below, newDeleteKind(k))
	}
	return parent("delete", "Delete objects, without asking again", "see muster delete --help", below...)
}

func newDeleteKind(k kind) *cobra.Command {
	command := &cobra.Command{
		Use: k.word + " NAME...", Aliases: aliases(k.word, k.plural()), Args: cobra.MinimumNArgs(1),
		Short: "Delete " + k.plural() + ", without asking again",
	}
	return asks(command, k.complete, func(command *cobra.Command, c *client.Client, args []string) error {
		return each(args, func(name string) error {
			if err := k.remove(command.Context(), c, name); err != nil {
				return err
			}
			return say(command, "%s %q deleted", k.word, name)
		})
	})
}
