package admin

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"muster/cmd/muster/internal/output"
	"muster/manager/client"
)

func newGet() *cobra.Command {
	var below []*cobra.Command
	for _, k := range kinds() {
		below = append(below, newGetKind(k))
	}
	below = append(below, newGetDevices(), newGetReports(), newGetConfigs(), newGetAudit())
	return parent("get", "Show what there is, as a table, JSON or YAML", "see muster get --help", below...)
}

func newGetKind(k kind) *cobra.Command {
	var format output.Format
	command := &cobra.Command{
		Use:     k.plural() + " [NAME...]",
		Aliases: aliases(k.plural(), k.word),
		Short:   "Show " + k.plural() + ": all of them, or the named ones",
		Long: "Shows " + k.plural() + ": all of them that one may read, or the named ones.\n" +
			"As JSON or YAML it is a list, or the object itself when one is named.",
	}
	format.Declare(command, output.Table, output.JSON, output.YAML)
	return asks(command, k.complete, func(command *cobra.Command, c *client.Client, args []string) error {
		objects, err := k.find(command, c, args)
		if len(objects) == 0 && err != nil {
			return err
		}
		values, rows := make([]any, len(objects)), make([][]string, len(objects))
		for i, o := range objects {
			values[i], rows[i] = o.value, o.row
		}
		var value any = values
		if len(args) == 1 {
			value = values[0]
		}
		return errors.Join(format.Print(command.OutOrStdout(), value, k.header, rows), err)
	})
}

// find reads the named objects, or all there are when none is named. Of all, those that are not the caller's to
// read are counted on stderr; anything else that fails is part of the error, beside the objects that were found.
func (k kind) find(command *cobra.Command, c *client.Client, named []string) (objects []found, err error) {
	all, ctx := named, command.Context()
	if len(named) == 0 {
		if all, err = k.names(ctx, c); err != nil {
			return nil, err
		}
	}
	var failed []error
	hidden := 0
	for _, o := range k.read(ctx, c, all) {
		switch {
		case o.err == nil:
			objects = append(objects, o)
		case len(named) == 0 && errors.Is(o.err, client.ErrNotAllowed):
			hidden++
		case len(named) == 0 && errors.Is(o.err, client.ErrNotFound): // deleted since
		case errors.Is(o.err, client.ErrDenied):
			return nil, o.err
		default:
			failed = append(failed, o.err)
		}
	}
	if hidden > 0 {
		_, _ = fmt.Fprintf(command.ErrOrStderr(), "muster: %d of %d %s are not yours to read\n", hidden, len(all), k.plural())
	}
	return objects, errors.Join(failed...)
}
