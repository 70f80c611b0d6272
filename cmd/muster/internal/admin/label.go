package admin

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"muster/cmd/internal/program"
	"muster/cmd/muster/internal/device"
	"muster/manager/client"
)

func newLabel() *cobra.Command {
	return parent("label", "Set and remove labels", "see muster label --help", newLabelDevice())
}

func newLabelDevice() *cobra.Command {
	var note string
	command := &cobra.Command{
		Use: "device NAME [KEY=VALUE...] [KEY-...]", Aliases: []string{"devices"}, Args: cobra.MinimumNArgs(1),
		Short:   "Set labels of a device, remove those with a dash behind the key, or leave a note",
		Long:    "Sets labels of a device, and removes those with a dash behind the key. Others stay as they are.",
		Example: "  muster label device till-1 site=north floor- --note 'screen is cracked'",
	}
	command.Flags().StringVar(&note, "note", "", "what to note of the device; empty removes the note")
	return asks(command, firstDevice, func(command *cobra.Command, c *client.Client, args []string) error {
		change, err := readLabels(args[1:])
		if command.Flags().Changed("note") {
			change.Note = &note
		}
		if err == nil && len(change.Labels) == 0 && change.Note == nil {
			err = errors.New("there is nothing to change: give KEY=VALUE, KEY- or --note")
		}
		if err != nil {
			return &program.UsageError{Err: err}
		}
		d, err := c.AnnotateDevice(command.Context(), args[0], change)
		if err != nil {
			return err
		}
		return say(command, "device %q labeled (%s)", args[0], device.Labels(d.Labels))
	})
}

// readLabels reads KEY=VALUE and KEY-. What a key and a value may be is for the manager to say.
func readLabels(args []string) (change client.Annotation, err error) {
	change.Labels = map[string]*string{}
	for _, arg := range args {
		key, value, sets := strings.Cut(arg, "=")
		removed, removes := strings.CutSuffix(arg, "-")
		switch {
		case !sets && !removes, sets && key == "", !sets && removed == "":
			return client.Annotation{}, fmt.Errorf("%q: must be KEY=VALUE or KEY-", arg)
		case !sets:
			key = removed
		}
		if _, twice := change.Labels[key]; twice {
			return client.Annotation{}, fmt.Errorf("%q: is given twice", key)
		}
		change.Labels[key] = nil
		if sets {
			change.Labels[key] = &value
		}
	}
	return change, nil
}
