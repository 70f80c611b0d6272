package admin

import (
	"github.com/spf13/cobra"

	"muster/cmd/muster/internal/output"
	"muster/manager/client"
)

func newStatus() *cobra.Command {
	var format output.Format
	command := &cobra.Command{
		Use: "status", Args: cobra.NoArgs,
		Short: "Show whether the manager answers, and takes the credentials",
	}
	format.Declare(command, output.Table, output.JSON, output.YAML)
	return asks(command, nil, func(command *cobra.Command, c *client.Client, _ []string) error {
		if err := c.Status(command.Context()); err != nil {
			return err
		}
		status := struct {
			URL       string `json:"url"`
			Available bool   `json:"api_available"`
		}{c.URL(), true}
		return format.Print(command.OutOrStdout(), status, []string{"url", "api_available"}, [][]string{{status.URL, yes(true)}})
	})
}
