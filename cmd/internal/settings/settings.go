// Package settings fills a command's flags from the environment and a YAML file, so that every setting of
// the programs has one name and one place where it is declared.
//
// A flag --data-dir is also the environment variable MUSTER_DATA_DIR and the key data-dir of the file. What
// is given on the command line wins over the environment, that over the file, and that over the
// default. Some flags also go by the environment name that Nebula gave them; Muster's own name wins.
//
// Values that are wrong, and keys of the file that no flag has, are refused with an error that says where
// the value came from.
package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// ConfigFlag is the flag that names the YAML file.
const ConfigFlag = "config"

// Aliases gives other environment variables, by flag name.
type Aliases map[string][]string

// ours reports whether a flag is a setting. The others are cobra's, and tell something and end the program;
// a MUSTER_VERSION that says which image to pull must not be taken for one.
func ours(flag string) bool { return flag != "help" && flag != "version" }

// Env is the name of a flag's own environment variable.
func Env(flag string) string {
	return "MUSTER_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Load sets every flag that was not given on the command line from the environment, as lookup reads it
// (os.LookupEnv), or else from the YAML file that [ConfigFlag] names.
func Load(flags *pflag.FlagSet, aliases Aliases, lookup func(string) (string, bool)) error {
	if err := fromEnvironment(flags, aliases, lookup); err != nil {
		return err
	}
	file := flags.Lookup(ConfigFlag)
	if file == nil || file.Value.String() == "" {
		return nil
	}
	return fromFile(flags, file.Value.String())
}

func fromEnvironment(flags *pflag.FlagSet, aliases Aliases, lookup func(string) (string, bool)) error {
	var failed error
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Changed || failed != nil || !ours(flag.Name) {
			return
		}
		for _, name := range append([]string{Env(flag.Name)}, aliases[flag.Name]...) {
			if value, ok := lookup(name); ok && value != "" {
				if err := flags.Set(flag.Name, value); err != nil {
					failed = fmt.Errorf("environment variable %s: %w", name, reason(err))
				}
				return
			}
		}
	})
	return failed
}

func fromFile(flags *pflag.FlagSet, path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("config file: %w", err)
	}
	var values map[string]yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(content)).Decode(&values); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("config file %s: must hold one key: value pair per line: %w", path, err)
	}
	for key, value := range values {
		flag := flags.Lookup(key)
		if flag == nil || key == ConfigFlag || !ours(key) {
			return fmt.Errorf("config file %s, line %d: unknown key %q", path, value.Line, key)
		}
		if flag.Changed {
			continue
		}
		text, err := scalar(value)
		if err == nil {
			err = flags.Set(key, text)
		}
		if err != nil {
			return fmt.Errorf("config file %s, line %d: %s: %w", path, value.Line, key, reason(err))
		}
	}
	return nil
}

// scalar is a YAML value as it would be written on the command line; lists are joined with commas.
func scalar(node yaml.Node) (string, error) {
	switch node.Kind {
	case yaml.ScalarNode:
		if node.Tag == "!!null" {
			return "", errors.New("has no value: quote it if it is meant as it is, or leave the line out")
		}
		return node.Value, nil
	case yaml.SequenceNode:
		items := make([]string, len(node.Content))
		for i, item := range node.Content {
			if item.Kind != yaml.ScalarNode {
				return "", errors.New("must be a list of plain values")
			}
			items[i] = item.Value
		}
		return strings.Join(items, ","), nil
	}
	return "", errors.New("must be a plain value or a list of them")
}

// reason takes pflag's own prefix off an error about a value, which would name the flag instead of where
// the value came from.
func reason(err error) error {
	if invalid := new(pflag.InvalidValueError); errors.As(err, &invalid) {
		return fmt.Errorf("%q: %w", invalid.GetValue(), invalid.Unwrap())
	}
	return err
}
