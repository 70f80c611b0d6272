package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"muster/cmd/muster/internal/admin"
	"muster/cmd/muster/internal/connect"
)

const (
	cliDoc = "../../docs/cli.md"
	// What follows this line is made from the commands themselves.
	generated = "\n<!-- From here on: go test ./cmd/muster -run TestTheCommandsAreDocumented -update -->\n"
)

var update = flag.Bool("update", false, "write docs/cli.md anew")

func TestTheCommandsAreDocumented(t *testing.T) {
	content, err := os.ReadFile(cliDoc)
	if err != nil {
		t.Fatal(err)
	}
	written, reference, found := strings.Cut(string(content), generated)
	if !found {
		t.Fatalf("%s has no line %q", cliDoc, generated)
	}
	want := commandReference(newRoot(io.Discard, io.Discard))
	if *update {
		if err := os.WriteFile(cliDoc, []byte(written+generated+want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if reference != want {
		t.Errorf("%s is not what the commands say: run go test ./cmd/muster -run %s -update", cliDoc, t.Name())
	}
}

func commandReference(root *cobra.Command) string {
	var doc strings.Builder
	var connection connect.Flags
	shared := pflag.NewFlagSet("", pflag.ContinueOnError)
	connection.Declare(shared)
	fmt.Fprintf(&doc, "\n## Settings of the connection\n\n```\n%s```\n\n## Commands\n", shared.FlagUsages())
	for _, command := range root.Commands() {
		if command.GroupID == admin.Group {
			describeCommand(&doc, command, shared)
		}
	}
	return doc.String()
}

// describeCommand describes those that do something, with the flags that are their own.
func describeCommand(doc io.Writer, command *cobra.Command, shared *pflag.FlagSet) {
	for _, below := range command.Commands() {
		describeCommand(doc, below, shared)
	}
	if !command.Runnable() || command.HasAvailableSubCommands() {
		return
	}
	fmt.Fprintf(doc, "\n### %s\n\n%s.\n", strings.TrimSuffix(command.UseLine(), " [flags]"), strings.TrimSuffix(command.Short, "."))
	if command.Long != "" {
		fmt.Fprintf(doc, "\n%s\n", command.Long)
	}
	if len(command.Aliases) > 0 {
		fmt.Fprintf(doc, "\nAlso: %s\n", strings.Join(command.Aliases, ", "))
	}
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	command.Flags().VisitAll(func(f *pflag.Flag) {
		known := shared.Lookup(f.Name)
		if (known == nil || known.Usage != f.Usage) && f.Name != "help" {
			own.AddFlag(f)
		}
	})
	if own.HasFlags() {
		fmt.Fprintf(doc, "\n```\n%s```\n", own.FlagUsages())
	}
}
