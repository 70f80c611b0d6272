package admin

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	brokerrights "muster/broker/rights"
	"muster/manager/client"
)

func newACL() *cobra.Command {
	var (
		names []string
		lines strings.Builder
	)
	for _, format := range brokerrights.Formats() {
		names = append(names, format.Name)
		fmt.Fprintf(&lines, "\n  %-17s %s", format.Name, format.Title)
	}
	command := &cobra.Command{
		Use: "acl FORMAT", Args: cobra.ExactArgs(1),
		Short: "Print who may do what on topics as another broker reads it",
		Long: "Prints what each device that is let in now, and each token with a role on MQTT, may do on topics, as another broker than the\n" +
			"manager's own reads it. Who cannot be put into a file is named on stderr. The formats are:\n" + lines.String(),
		Example: "  muster acl mosquitto > /etc/mosquitto/muster/acl",
	}
	formats := func(context.Context, *client.Client, []string, string) ([]string, error) { return names, nil }
	return asks(command, formats, func(command *cobra.Command, c *client.Client, args []string) error {
		content, leftOut, err := c.BrokerRights(command.Context(), args[0])
		if err != nil {
			return err
		}
		for _, who := range leftOut {
			note(command, "left out: %s", who)
		}
		_, err = io.WriteString(command.OutOrStdout(), content)
		return err
	})
}
