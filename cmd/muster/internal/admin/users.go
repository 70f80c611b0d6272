package admin

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/spf13/cobra"

	"muster/cmd/internal/program"
	"muster/cmd/internal/settings"
	"muster/manager/client"
)

func newCreate() *cobra.Command {
	return parent("create", "Create a user; for other objects see muster apply", "user NAME", newCreateUser())
}

func newCreateUser() *cobra.Command {
	var (
		passwordFile string
		generate     bool
	)
	command := &cobra.Command{
		Use: "user NAME", Args: cobra.ExactArgs(1),
		Short: "Create a user",
		Long: "Creates a user. With neither a password nor a generated one nobody can log in as the user until\n" +
			"muster refresh user has made a token.",
	}
	command.Flags().StringVar(&passwordFile, "new-password-file", "", "file that holds the user's password")
	command.Flags().BoolVar(&generate, "generate", false, "make a password, and print it this once")
	command.MarkFlagsMutuallyExclusive("new-password-file", "generate")
	return asks(command, nil, func(command *cobra.Command, c *client.Client, args []string) error {
		fields := map[string]string{}
		switch {
		case generate:
			fields["password"] = rand.Text()
		case passwordFile != "":
			password, err := settings.SecretFile("new-password-file", passwordFile)
			if err != nil {
				return &program.UsageError{Err: err}
			}
			fields["password"] = string(password)
		}
		if _, err := c.Users().Create(command.Context(), args[0], fields); err != nil {
			return err
		}
		note(command, "user %q created", args[0])
		if generate {
			return say(command, "%s", fields["password"])
		}
		return nil
	})
}

func newRefresh() *cobra.Command {
	command := &cobra.Command{
		Use: "user NAME", Aliases: []string{"users"}, Args: cobra.ExactArgs(1),
		Short: "Give a user a new token, and print it this once",
	}
	names := func(ctx context.Context, c *client.Client, _ []string, _ string) ([]string, error) {
		return c.Users().Names(ctx)
	}
	asks(command, names, func(command *cobra.Command, c *client.Client, args []string) error {
		token, err := c.RefreshUser(command.Context(), args[0])
		if err != nil {
			return err
		}
		note(command, "user %q has a new token; the one before is void", args[0])
		return say(command, "%s", token)
	})
	return parent("refresh", "Give a user a new token", "user NAME", command)
}

// note tells people on stderr what was done, where stdout has a secret that scripts take.
func note(command *cobra.Command, format string, args ...any) {
	_, _ = fmt.Fprintf(command.ErrOrStderr(), "muster: "+format+"\n", args...)
}
