package admin

import (
	"time"

	"github.com/spf13/cobra"

	"muster/cmd/muster/internal/output"
	"muster/manager/client"
	"muster/manager/fleet"
	"muster/manager/store"
)

func newListTokens() *cobra.Command {
	var format output.Format
	command := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Args: cobra.NoArgs,
		Short: "Show all tokens, without their secrets",
	}
	format.Declare(command, output.Table, output.JSON, output.YAML)
	return asks(command, nil, func(command *cobra.Command, c *client.Client, _ []string) error {
		tokens, err := c.Tokens(command.Context(), "")
		if err != nil {
			return err
		}
		values, rows := make([]any, len(tokens)), make([][]string, len(tokens))
		for i, t := range tokens {
			values[i], rows[i] = fleet.ShowToken(t, ""), tokenRow(t, time.Now())
		}
		return format.Print(command.OutOrStdout(), values, []string{"id", "kind", "name", "for", "used", "expires", "by"}, rows)
	})
}

func tokenRow(t store.Token, now time.Time) []string {
	good, used, expires := t.DeviceGroup, number(t.Used)+" of "+number(t.Uses), "never"
	if t.Device != "" {
		good += "/" + t.Device
	}
	if t.Approve {
		good += ", to be approved"
	}
	if t.Kind == store.TokenAPI {
		good, used = rightsOf(t), "-"
	}
	if !t.Expires.IsZero() {
		expires = t.Expires.UTC().Format(time.RFC3339)
		if !now.Before(t.Expires) {
			expires += " (over)"
		}
	}
	return []string{t.ID, string(t.Kind), list(by(t.Name)), good, used, expires, list(by(t.By))}
}

// rightsOf is what a program may do with its token.
func rightsOf(t store.Token) string {
	rights := append([]string{}, t.UserGroups...)
	if t.Admin {
		rights = append(rights, "admin")
	}
	if t.MQTTRole != "" {
		rights = append(rights, "MQTT "+t.MQTTRole)
	}
	if t.BrokerAuth {
		rights = append(rights, "broker auth")
	}
	return list(rights)
}
