package program_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"muster/cmd/internal/program"
	"muster/cmd/internal/settings"
)

func TestRunTellsAnErrorInOneLine(t *testing.T) {
	for _, tc := range []struct {
		name string
		run  func(*cobra.Command, []string) error
		args []string
		code int
		want string
	}{
		{"success", func(*cobra.Command, []string) error { return nil }, nil, 0, ""},
		{"failure", func(*cobra.Command, []string) error { return errors.New("first\n\n\tsecond\n") }, nil, 1, "prog: first; second\n"},
		{"interrupted", func(*cobra.Command, []string) error { return context.Canceled }, nil, 0, ""},
		{"unknown flag", func(*cobra.Command, []string) error { return nil }, []string{"--nope"}, 2, "prog: unknown flag: --nope\n"},
		{"unknown command", func(*cobra.Command, []string) error { return nil }, []string{"nope"}, 2, "prog: unknown command \"nope\" for \"prog\"\n"},
		{"misused", func(*cobra.Command, []string) error {
			return fmt.Errorf("x: %w", &program.UsageError{Err: errors.New("y")})
		}, nil, 2, "prog: x: y\n"},
		{"below", func(*cobra.Command, []string) error { return nil }, []string{"below"}, 1, "prog: fails\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var stderr bytes.Buffer
			command := &cobra.Command{Use: "prog", RunE: tc.run}
			command.AddCommand(&cobra.Command{Use: "below", RunE: func(*cobra.Command, []string) error { return errors.New("fails") }})
			code := program.Run(command, tc.args, &stderr)
			if code != tc.code || stderr.String() != tc.want {
				t.Errorf("exit code %d, stderr %q, want %d and %q", code, stderr.String(), tc.code, tc.want)
			}
		})
	}
}

func TestSignalEndsTheContext(t *testing.T) {
	command := &cobra.Command{Use: "prog", RunE: func(command *cobra.Command, _ []string) error {
		if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
			return err
		}
		<-command.Context().Done()
		return command.Context().Err()
	}}
	if code := program.Run(command, nil, os.Stderr); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestSettingsReadTheEnvironment(t *testing.T) {
	t.Setenv("OLD_NAME", "from Nebula")
	var got string
	command := &cobra.Command{Use: "prog", RunE: func(*cobra.Command, []string) error { return nil }}
	command.Flags().StringVar(&got, "new-name", "", "what it is")
	program.Settings(command, settings.Aliases{"new-name": {"OLD_NAME"}})
	if code := program.Run(command, nil, os.Stderr); code != 0 || got != "from Nebula" {
		t.Errorf("exit code %d, value %q", code, got)
	}
	if usage := command.Flags().FlagUsages(); !strings.Contains(usage, "what it is [$MUSTER_NEW_NAME, $OLD_NAME]") {
		t.Errorf("usage does not name the variables:\n%s", usage)
	}
}

func TestLogger(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string // in the output of one info line, or in the error
	}{
		{nil, `level=INFO msg=hello`},
		{[]string{"--log-format=json"}, `"msg":"hello"`},
		{[]string{"--log-level=warn"}, ``},
		{[]string{"--log-level=loud"}, `log-level: must be debug, info, warn or error, is "loud"`},
		{[]string{"--log-format=xml"}, `log-format: must be text or json, is "xml"`},
	} {
		var (
			flags program.LogFlags
			out   bytes.Buffer
		)
		set := pflag.NewFlagSet("test", pflag.ContinueOnError)
		flags.Declare(set)
		if err := set.Parse(tc.args); err != nil {
			t.Fatal(err)
		}
		logger, err := flags.Logger(&out)
		if err != nil {
			out.WriteString(err.Error())
		} else {
			logger.Info("hello")
		}
		if got := out.String(); !strings.Contains(got, tc.want) || tc.want == "" && got != "" {
			t.Errorf("%v: %q, want %q", tc.args, got, tc.want)
		}
	}
}
