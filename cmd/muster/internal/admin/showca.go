package admin

import (
	"time"

	"github.com/spf13/cobra"

	"muster/cmd/muster/internal/output"
	"muster/manager/authority"
	"muster/manager/client"
)

func newShowCA() *cobra.Command {
	var format output.Format
	command := &cobra.Command{
		Use: "show [ID]", Args: cobra.MaximumNArgs(1),
		Short: "Show the certificate authorities, or one and how many devices would be locked out without it",
	}
	format.Declare(command, output.Table, output.JSON, output.YAML)
	columns := []string{"id", "subject", "state", "made", "by", "ends", "key", "pin"}
	return asks(command, authorityIDs, func(command *cobra.Command, c *client.Client, args []string) error {
		if len(args) == 1 {
			a, devices, err := c.Authority(command.Context(), args[0])
			if err != nil {
				return err
			}
			value := struct {
				authority.Info
				Devices int `json:"devices"`
			}{a, devices}
			row := append(authorityRow(a), number(int64(devices)))
			return format.Print(command.OutOrStdout(), value, append(columns, "devices"), [][]string{row})
		}
		all, err := c.Authorities(command.Context())
		if err != nil {
			return err
		}
		rows := make([][]string, len(all))
		for i, a := range all {
			rows[i] = authorityRow(a)
		}
		return format.Print(command.OutOrStdout(), all, columns, rows)
	})
}

func authorityRow(a authority.Info) []string {
	state, key := "believed", "plain"
	switch {
	case a.Issues:
		state = "issues"
	case a.Retired != nil:
		state = "retired " + a.Retired.UTC().Format(time.DateOnly)
	}
	if a.Sealed {
		key = "sealed"
	}
	return []string{a.ID, a.Subject, state, a.Created.UTC().Format(time.DateOnly), list(by(a.By)), a.NotAfter.UTC().Format(time.DateOnly), key, a.Pin}
}
