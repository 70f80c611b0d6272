package admin

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"muster/cmd/internal/program"
	"muster/cmd/muster/internal/connect"
	"muster/manager/client"
)

// Group has the help list these commands apart from those that run something.
const Group = "admin"

// AddTo adds all of the commands.
func AddTo(root *cobra.Command) {
	root.AddGroup(&cobra.Group{ID: Group, Title: "The admin's commands:"})
	for _, command := range []*cobra.Command{
		newGet(), newDescribe(), newCreate(), newDelete(), newRestart(), newStart(), newStop(), newPrune(), newRefresh(),
		newLabel(), newDevices(), newToken(), newCA(), newACL(), newWatch(), newApply(), newExport(), newStatus(), newLogin(),
	} {
		command.GroupID = Group
		root.AddCommand(command)
	}
	root.AddCommand(newExitCodes())
}

// A run is what a command does with a client.
type run func(command *cobra.Command, c *client.Client, args []string) error

// asks gives a command the settings of a connection, what to do with it, and names to complete arguments with;
// names may be nil.
func asks(command *cobra.Command, names names, do run) *cobra.Command {
	var flags connect.Flags
	flags.Declare(command.Flags())
	command.RunE = func(command *cobra.Command, args []string) error {
		c, err := flags.Client(nil)
		if err != nil {
			return &program.UsageError{Err: err}
		}
		return uninterrupted(do(command, c, args))
	}
	command.ValidArgsFunction = complete(&flags, names)
	return command
}

// parent is a command that only has others below it.
func parent(use, short, what string, below ...*cobra.Command) *cobra.Command {
	command := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return &program.UsageError{Err: fmt.Errorf("%s what? %s", use, what)}
		},
	}
	command.AddCommand(below...)
	return command
}

// uninterrupted makes an end by Ctrl-C a failure: not all was done that was asked for.
func uninterrupted(err error) error {
	if errors.Is(err, context.Canceled) {
		return errors.New("interrupted")
	}
	return err
}

// each does something for every name, also after one has failed, and gives all errors. Wrong credentials fare
// no better with the next name.
func each(names []string, do func(name string) error) error {
	var failed []error
	for _, name := range names {
		err := do(name)
		if errors.Is(err, client.ErrDenied) {
			return errors.Join(append(failed, err)...)
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// say tells on stdout what was done.
func say(command *cobra.Command, format string, args ...any) error {
	_, err := fmt.Fprintf(command.OutOrStdout(), format+"\n", args...)
	return err
}
