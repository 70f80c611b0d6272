package admin

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"muster/cmd/internal/program"
)

// declareYes adds the flag of commands that ask before they do something to many objects.
func declareYes(flags *pflag.FlagSet, yes *bool) {
	flags.BoolVar(yes, "yes", false, "do not ask, as scripts have nobody to answer")
}

// confirm asks on stderr, and fails unless a line on stdin says yes. Ctrl-C ends the wait for it.
func confirm(command *cobra.Command, format string, args ...any) error {
	if _, err := fmt.Fprintf(command.ErrOrStderr(), format+" Say yes: ", args...); err != nil {
		return err
	}
	said := make(chan string, 1)
	go func() { // nothing but a line ends a read of a terminal: the process may have to end before it
		line, _ := bufio.NewReader(command.InOrStdin()).ReadString('\n') // no line is no yes
		said <- strings.TrimSpace(line)
	}()
	select {
	case line := <-said:
		if line != "yes" {
			return &program.UsageError{Err: errors.New("nothing was done: nobody has said yes; --yes says it beforehand")}
		}
		return nil
	case <-command.Context().Done():
		return command.Context().Err()
	}
}
