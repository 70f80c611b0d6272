package admin

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"muster/cmd/muster/internal/connect"
	"muster/manager/client"
)

// completeTimeout is how long somebody who presses Tab may be kept waiting.
const completeTimeout = 2 * time.Second

// names are what can come after the arguments that were given already. Only those that begin with begun are offered; who
// has too many need not give others.
type names func(ctx context.Context, c *client.Client, args []string, begun string) ([]string, error)

// complete offers the names that were not given yet. It offers none, and never files, when it cannot have them in time.
func complete(flags *connect.Flags, names names) cobra.CompletionFunc {
	return func(command *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if names == nil || command.Args != nil && command.Args(command, append(slices.Clip(args), "one more")) != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		c, err := flags.Client(func(o *client.Options) { o.Retry = -1 })
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(command.Context(), completeTimeout)
		defer cancel()
		all, err := names(ctx, c, args, begun)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		all = slices.DeleteFunc(all, func(name string) bool { return slices.Contains(args, name) || !strings.HasPrefix(name, begun) })
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}
