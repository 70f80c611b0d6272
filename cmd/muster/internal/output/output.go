// Package output prints what the admin's commands found: tables for people, JSON and YAML for scripts.
package output

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// A Format is how to print.
type Format string

// The formats.
const (
	Table Format = "table"
	Text  Format = "text"
	JSON  Format = "json"
	YAML  Format = "yaml"
)

// Declare adds --output, with those formats; the first is the default.
func (f *Format) Declare(command *cobra.Command, formats ...Format) {
	*f = formats[0]
	words := make([]string, len(formats))
	for i, format := range formats {
		words[i] = string(format)
	}
	command.Flags().VarP(&value{f, words}, "output", "o", "how to print: "+strings.Join(words, ", "))
	_ = command.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
}

// A value is a Format as a flag.
type value struct {
	format *Format
	words  []string
}

func (v *value) String() string { return string(*v.format) }

func (v *value) Type() string { return "format" }

func (v *value) Set(s string) error {
	if !slices.Contains(v.words, s) {
		return fmt.Errorf("must be one of %s", strings.Join(v.words, ", "))
	}
	*v.format = Format(s)
	return nil
}

// Print prints v, which json.Marshal understands, or rows as a table. Text is what the command makes of it by itself.
func (f Format) Print(w io.Writer, v any, header []string, rows [][]string) error {
	if f == Table {
		return printTable(w, header, rows)
	}
	if f == YAML {
		return printYAML(w, v)
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
