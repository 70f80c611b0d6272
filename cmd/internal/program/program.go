// Package program is what the main functions of Muster's programs have in common: signals, logs, and how an
// error is told.
package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"muster/cmd/internal/settings"
)

// version is set by the linker: -ldflags "-X muster/cmd/internal/program.version=1.2.3".
var version = ""

// Version is the version of the program: what the linker set, or else what the go command recorded.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}

// Exit codes of every program.
const (
	Done = iota
	// Failed is after an error.
	Failed
	// Misused is after an error in the command line, the environment or a file; nothing was done.
	Misused
	// Differs is after [ErrDiffers].
	Differs
	// Late is after a [LateError].
	Late
)

// ErrDiffers is what a command returns that was only to look, and found something to do. It is no error to tell.
var ErrDiffers = errors.New("there is something to do")

// A UsageError is one of a command that ends with [Misused] though it has begun to run.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap gives the error itself.
func (e *UsageError) Unwrap() error { return e.Err }

// A LateError is one of a command that has waited for something as long as it was told to.
type LateError struct{ Err error }

func (e *LateError) Error() string { return e.Err.Error() }

// Unwrap gives the error itself.
func (e *LateError) Unwrap() error { return e.Err }

// Run executes the command until it returns or SIGINT or SIGTERM ends its context, and gives the exit
// code. An error is told in one line on stderr. A second signal kills.
func Run(command *cobra.Command, args []string, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	command.SetArgs(args)
	command.SilenceErrors = true
	command.SilenceUsage = true
	began := false
	notice(command, &began)
	err := command.ExecuteContext(ctx)
	if err == nil || errors.Is(err, context.Canceled) {
		return Done
	}
	if errors.Is(err, ErrDiffers) {
		return Differs
	}
	_, _ = fmt.Fprintf(stderr, "%s: %s\n", command.Name(), oneLine(err.Error()))
	if _, misused := errors.AsType[*UsageError](err); misused || !began {
		return Misused
	}
	if _, late := errors.AsType[*LateError](err); late {
		return Late
	}
	return Failed
}

// notice has began tell whether the command, or one below it, has begun to run: what fails earlier is about its
// arguments and settings.
func notice(command *cobra.Command, began *bool) {
	if run := command.RunE; run != nil {
		command.RunE = func(command *cobra.Command, args []string) error {
			*began = true
			return run(command, args)
		}
	}
	for _, below := range command.Commands() {
		notice(below, began)
	}
}

func oneLine(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}

// Settings declares --config on the command and fills its flags before it runs: see package settings.
func Settings(command *cobra.Command, aliases settings.Aliases) {
	command.Flags().String(settings.ConfigFlag, "", "YAML file with further settings: flag names without the dashes as keys")
	command.PreRunE = func(command *cobra.Command, _ []string) error {
		return settings.Load(command.Flags(), aliases, os.LookupEnv)
	}
	command.Flags().VisitAll(func(flag *pflag.Flag) {
		if flag.Name != "help" {
			flag.Usage += " [$" + strings.Join(append([]string{settings.Env(flag.Name)}, aliases[flag.Name]...), ", $") + "]"
		}
	})
}

// LogFlags are the settings of a program's log.
type LogFlags struct {
	level  string
	format string
}

// Declare adds the flags.
func (l *LogFlags) Declare(flags *pflag.FlagSet) {
	flags.StringVar(&l.level, "log-level", "info", "lowest level to log: debug, info, warn or error")
	flags.StringVar(&l.format, "log-format", "text", "format of the log: text or json")
}

// Logger makes the log that the flags ask for. Its error is a [UsageError].
func (l *LogFlags) Logger(w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.level)); err != nil {
		return nil, &UsageError{fmt.Errorf("log-level: must be debug, info, warn or error, is %q", l.level)}
	}
	options := &slog.HandlerOptions{Level: level}
	switch l.format {
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return nil, &UsageError{fmt.Errorf("log-format: must be text or json, is %q", l.format)}
}

// Run is the RunE of a command that runs until it is told to stop. What check finds wrong with its settings is a [UsageError]; log
// goes to w.
func (l *LogFlags) Run(w io.Writer, check func() error, run func(ctx context.Context, log *slog.Logger) error) func(*cobra.Command, []string) error {
	return func(command *cobra.Command, _ []string) error {
		if err := check(); err != nil {
			return &UsageError{Err: err}
		}
		log, err := l.Logger(w)
		if err != nil {
			return err
		}
		return run(command.Context(), log)
	}
}
