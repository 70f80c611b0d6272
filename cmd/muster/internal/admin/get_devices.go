package admin

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"muster/cmd/internal/program"
	"muster/cmd/muster/internal/device"
	"muster/cmd/muster/internal/output"
	"muster/manager/client"
	"muster/manager/fleet"
)

func newGetDevices() *cobra.Command {
	var (
		format output.Format
		chosen selection
		limit  uint
		counts bool
		labels []string
	)
	command := &cobra.Command{
		Use: "devices [NAME...]", Aliases: []string{"device"},
		Short: "Show devices: those that the flags select, or the named ones",
		Long: "Shows devices in the order of their names: those that the flags select, or the named ones.\n" +
			"As JSON or YAML it is a list, or all that is known of the device when one is named.",
	}
	format.Declare(command, output.Table, output.JSON, output.YAML)
	chosen.declare(command.Flags())
	command.Flags().BoolVar(&counts, "count", false, "only count them")
	command.Flags().StringSliceVarP(&labels, "label-columns", "L", nil, "labels to show in columns of their own, instead of all labels in one")
	declareLimit(command.Flags(), &limit)
	return asks(command, deviceNames, func(command *cobra.Command, c *client.Client, args []string) error {
		query := chosen.query(command.Flags())
		if given := chosen.given(command.Flags()); len(args) > 0 && (counts || len(given) > 0) {
			return &program.UsageError{Err: fmt.Errorf("NAME: cannot be joined by --%s", append(given, "count")[0])}
		}
		if counts {
			return printCounts(command, c, query, format)
		}
		list, values, err := findDevices(command, c, query, limit, args)
		if len(list) == 0 && err != nil {
			return err
		}
		header, rows := deviceTable(list, labels, time.Now())
		return errors.Join(format.Print(command.OutOrStdout(), values, header, rows), err)
	})
}

// findDevices reads the named devices, or those that the query selects. values are for scripts.
func findDevices(command *cobra.Command, c *client.Client, query client.DeviceQuery, limit uint, named []string) (list []fleet.Device, values any, err error) {
	if len(named) == 0 {
		more := limit
		if limit > 0 {
			more++
		}
		list, err = first(more, c.Devices(command.Context(), query))
		if limit > 0 && uint(len(list)) > limit {
			list = list[:limit]
			_, _ = fmt.Fprintf(command.ErrOrStderr(), "muster: there are more than these %d: see --limit and --count\n", limit)
		}
		return list, list, err
	}
	details := []fleet.Detail{}
	err = each(named, func(name string) error {
		d, err := c.Device(command.Context(), name)
		if err == nil {
			details, list = append(details, d), append(list, d.Device)
		}
		return err
	})
	if len(named) == 1 && len(details) == 1 {
		return list, details[0], err
	}
	return list, details, err
}

// deviceTable shows labels in columns of their own when some are asked for.
func deviceTable(devices []fleet.Device, labels []string, now time.Time) (header []string, rows [][]string) {
	header = []string{"name", "device_group", "identity", "state", "config", "wanted", "failing", "last_seen"}
	if header = append(header, labels...); len(labels) == 0 {
		header = append(header, "labels")
	}
	rows = make([][]string, len(devices))
	for i, d := range devices {
		var failing []string
		for _, f := range d.Failing {
			failing = append(failing, f.App+f.CronJob)
		}
		row := []string{
			d.Device, device.OrDash(d.DeviceGroup), device.OrDash(string(d.IdentityState)), device.State(d), device.Config(d.Applied, d.Wanted), device.Config(d.Wanted, d.Applied),
			list(failing), device.Ago(d.LastSeen, now),
		}
		for _, key := range labels {
			row = append(row, device.OrDash(d.Labels[key]))
		}
		if len(labels) == 0 {
			row = append(row, device.Labels(d.Labels))
		}
		rows[i] = row
	}
	return header, rows
}

func printCounts(command *cobra.Command, c *client.Client, query client.DeviceQuery, format output.Format) error {
	page, err := c.CountDevices(command.Context(), query, 1)
	if err != nil {
		return err
	}
	n := *page.Counts
	row := []string{number(n.Devices), number(n.Online), number(n.Offline), number(n.Current), number(n.Behind), number(n.Updating), number(n.Failing)}
	return format.Print(command.OutOrStdout(), n, []string{"devices", "online", "offline", "current", "behind", "updating", "failing"}, [][]string{row})
}
