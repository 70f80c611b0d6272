package admin

import (
	"time"

	"github.com/spf13/cobra"

	"muster/cmd/muster/internal/output"
	"muster/manager/client"
	"muster/manager/store"
)

func newGetAudit() *cobra.Command {
	var (
		format output.Format
		query  store.AuditQuery
		limit  uint
	)
	command := &cobra.Command{
		Use: "audit", Args: cobra.NoArgs,
		Short: "Show who changed what, newest first",
	}
	format.Declare(command, output.Table, output.JSON, output.YAML)
	flags := command.Flags()
	flags.StringVar(&query.By, "by", "", "only changes that this user made")
	flags.StringVar(&query.Kind, "kind", "", "only changes of objects of this kind, such as app")
	flags.StringVar(&query.Name, "name", "", "only changes of objects with this name")
	declareLimit(flags, &limit)
	return asks(command, nil, func(command *cobra.Command, c *client.Client, _ []string) error {
		entries, err := first(limit, c.Audit(command.Context(), query))
		if err != nil {
			return err
		}
		rows := make([][]string, len(entries))
		for i, e := range entries {
			rows[i] = []string{e.At.UTC().Format(time.RFC3339), list(by(e.By)), e.Action, e.Kind, e.Name, list(e.Changed)}
		}
		return format.Print(command.OutOrStdout(), entries, []string{"at", "by", "action", "kind", "name", "changed"}, rows)
	})
}
