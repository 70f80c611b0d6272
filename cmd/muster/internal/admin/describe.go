package admin

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"muster/cmd/internal/program"
	"muster/cmd/muster/internal/output"
	"muster/manager/client"
)

func newDescribe() *cobra.Command {
	var below []*cobra.Command
	for _, k := range kinds() {
		below = append(below, newDescribeKind(k))
	}
	below = append(below, newDescribeConfig(), newDescribeDevice())
	return parent("describe", "Show one object with all of its fields, and what belongs to it", "see muster describe --help", below...)
}

func newDescribeKind(k kind) *cobra.Command {
	var format output.Format
	command := &cobra.Command{
		Use: k.word + " NAME", Aliases: aliases(k.word, k.plural()), Args: cobra.ExactArgs(1),
		Short: "Show one " + k.word + " with all of its fields",
	}
	format.Declare(command, output.YAML, output.JSON)
	return asks(command, k.complete, func(command *cobra.Command, c *client.Client, args []string) error {
		object := k.read(command.Context(), c, args)[0]
		if object.err != nil {
			return object.err
		}
		if k.related != nil {
			key, value, err := k.related(command.Context(), c, args[0])
			if err != nil {
				return err
			}
			if object.value, err = with(object.value, key, value); err != nil {
				return fmt.Errorf("describe %s %q: %w", k.word, args[0], err)
			}
		}
		return format.Print(command.OutOrStdout(), object.value, nil, nil)
	})
}

// with is an object with one more key at its end.
func with(object any, key string, value any) (json.RawMessage, error) {
	front, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	back, err := json.Marshal(map[string]any{key: value})
	if err != nil {
		return nil, err
	}
	return append(append(front[:len(front)-1], ','), back[1:]...), nil
}

func newDescribeConfig() *cobra.Command {
	var format output.Format
	command := &cobra.Command{
		Use: "config DEVICE_GROUP [CONFIG_ID]", Aliases: []string{"configs"}, Args: cobra.RangeArgs(1, 2),
		Short: "Show the config that devices of a device_group are given now, or one that they were given",
	}
	format.Declare(command, output.YAML, output.JSON)
	return asks(command, configNames, func(command *cobra.Command, c *client.Client, args []string) error {
		read := func() (json.RawMessage, error) { return c.Info(command.Context(), args[0]) }
		if len(args) == 2 {
			id, err := strconv.ParseInt(args[1], 10, 64)
			if err != nil {
				return &program.UsageError{Err: fmt.Errorf("CONFIG_ID: must be a whole number, is %q", args[1])}
			}
			read = func() (json.RawMessage, error) { return c.Config(command.Context(), args[0], id) }
		}
		config, err := read()
		if err != nil {
			return err
		}
		return format.Print(command.OutOrStdout(), config, nil, nil)
	})
}
