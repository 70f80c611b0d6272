package admin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"muster/cmd/internal/program"
	"muster/cmd/muster/internal/connect"
)

func newLogin() *cobra.Command {
	var flags connect.Flags
	command := &cobra.Command{
		Use: "login", Args: cobra.NoArgs,
		Short: "Try the settings of a connection, and keep them for the commands to come",
		Long: "Tries --url with a token, or with --user and --password-file, and writes them into the config file,\n" +
			"readable for its owner alone, in place of what it held. Without any of them it reads a token from stdin.\n" +
			"A manager on this machine that has its data in ./muster-data is found, and trusted by ca.pem in there, unless others are given.",
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	flags.Declare(command.Flags())
	flags.DeclarePin(command.Flags())
	command.RunE = func(command *cobra.Command, _ []string) error {
		c, err := flags.New(command.Context(), func() (string, error) { return askToken(command) })
		if err != nil {
			if errors.Is(err, context.Canceled) {
				return uninterrupted(err)
			}
			return &program.UsageError{Err: err}
		}
		if err := c.Status(command.Context()); err != nil {
			return uninterrupted(connect.Explain(err))
		}
		path, err := flags.Save()
		if err != nil {
			return err
		}
		return say(command, "%s takes the credentials; they are kept in %s", c.URL(), path)
	}
	return command
}

// askToken reads a token, which a terminal does not show.
func askToken(command *cobra.Command) (string, error) {
	read := func() (string, error) { return bufio.NewReader(command.InOrStdin()).ReadString('\n') }
	if file, ok := command.InOrStdin().(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		read = func() (string, error) { return typed(command, int(file.Fd())) }
	}
	line, err := read()
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("token: %w", err)
	}
	if line = strings.TrimSpace(line); line == "" {
		return "", errors.New("token: must not be empty; else give user and password-file")
	}
	return line, nil
}

// typed reads a line from a terminal. Ctrl-C ends the wait for it, and the terminal shows again what is typed.
func typed(command *cobra.Command, terminal int) (string, error) {
	before, err := term.GetState(terminal)
	if err != nil {
		return "", err
	}
	_, _ = fmt.Fprint(command.ErrOrStderr(), "Token: ")
	defer func() { _, _ = fmt.Fprintln(command.ErrOrStderr()) }()
	type result struct {
		line []byte
		err  error
	}
	done := make(chan result, 1)
	go func() { // nothing but a line ends a read of a terminal: the process may have to end before it
		line, err := term.ReadPassword(terminal)
		done <- result{line, err}
	}()
	select {
	case r := <-done:
		return string(r.line), r.err
	case <-command.Context().Done():
		return "", errors.Join(command.Context().Err(), term.Restore(terminal, before))
	}
}
