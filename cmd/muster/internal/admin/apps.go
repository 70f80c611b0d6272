package admin

import (
	"context"

	"github.com/spf13/cobra"

	"muster/manager/client"
	"muster/topics"
)

func newRestart() *cobra.Command {
	return onApps("restart", "Have devices restart the containers of apps", "restarted", (*client.Client).RestartApp)
}

func newStart() *cobra.Command {
	return onApps("start", "Have devices run apps", "started", (*client.Client).StartApp)
}

func newStop() *cobra.Command {
	return onApps("stop", "Have devices remove the containers of apps", "stopped", (*client.Client).StopApp)
}

// onApps is a command that does something with each of the named apps.
func onApps(verb, short, done string, do func(*client.Client, context.Context, string) (topics.App, error)) *cobra.Command {
	names := func(ctx context.Context, c *client.Client, _ []string, _ string) ([]string, error) {
		return c.Apps().Names(ctx)
	}
	command := &cobra.Command{Use: "app NAME...", Aliases: []string{"apps"}, Args: cobra.MinimumNArgs(1), Short: short}
	asks(command, names, func(command *cobra.Command, c *client.Client, args []string) error {
		return each(args, func(name string) error {
			app, err := do(c, command.Context(), name)
			if err != nil {
				return err
			}
			return say(command, "app %q %s (app_id %d)", name, done, app.AppID)
		})
	})
	return parent(verb, short, "app NAME...", command)
}
