package admin

import (
	"context"

	"github.com/spf13/cobra"

	"muster/manager/client"
	"muster/manager/store"
	"muster/topics/token"
)

func newDeleteToken() *cobra.Command {
	command := &cobra.Command{
		Use: "delete ID|NAME...", Args: cobra.MinimumNArgs(1),
		Short: "Delete tokens, which let nobody in any more; devices that came with one stay",
	}
	names := func(ctx context.Context, c *client.Client, _ []string, _ string) (ids []string, err error) {
		tokens, err := c.Tokens(ctx, "")
		for _, t := range tokens {
			ids = append(ids, idOrName(t))
		}
		return ids, err
	}
	return asks(command, names, func(command *cobra.Command, c *client.Client, args []string) error {
		tokens, err := c.Tokens(command.Context(), store.TokenAPI)
		if err != nil {
			return err
		}
		return each(args, func(name string) error {
			id := name
			for _, t := range tokens {
				if t.Name == name && !token.IsID(name) {
					id = t.ID
				}
			}
			if err := c.DeleteToken(command.Context(), id); err != nil {
				return err
			}
			return say(command, "token %q deleted", name)
		})
	})
}

// idOrName is what people know a token by.
func idOrName(t store.Token) string {
	if t.Kind == store.TokenAPI {
		return t.Name
	}
	return t.ID
}
