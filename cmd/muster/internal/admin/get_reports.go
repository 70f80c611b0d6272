package admin

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"muster/cmd/internal/settings"
	"muster/cmd/muster/internal/output"
	"muster/manager/client"
)

// A report is what a table shows of one.
type report struct {
	Hostname     string  `json:"hostname"`
	DeviceGroup  string  `json:"device_group"`
	CreationTime float64 `json:"report_creation_time"`
	Updated      bool    `json:"updated"`
	CPU          struct {
		UsedPercent float64 `json:"used_percent"`
	} `json:"cpu_usage"`
	Memory usage `json:"memory_usage"`
	Disk   usage `json:"root_disk_usage"`

	AppsContainers     []json.RawMessage `json:"apps_containers"`
	CronJobsContainers []json.RawMessage `json:"cron_jobs_containers"`
}

// usage is in MB.
type usage struct {
	Total float64 `json:"total"`
	Used  float64 `json:"used"`
}

func (u usage) String() string { return fmt.Sprintf("%.0f/%.0f MB", u.Used, u.Total) }

func newGetReports() *cobra.Command {
	var (
		format output.Format
		query  client.ReportQuery
		since  time.Duration
		limit  uint
	)
	command := &cobra.Command{
		Use: "reports", Aliases: []string{"report"}, Args: cobra.NoArgs,
		Short: "Show what devices reported, oldest first",
	}
	format.Declare(command, output.Table, output.JSON, output.YAML)
	flags := command.Flags()
	flags.StringVar(&query.Hostname, "hostname", "", "only reports of the device with this name")
	flags.StringVar(&query.DeviceGroup, "device-group", "", "only reports of devices in this device_group")
	settings.DurationVar(flags, &since, "since", time.Hour, "only reports that are at most this old")
	declareLimit(flags, &limit)
	return asks(command, nil, func(command *cobra.Command, c *client.Client, _ []string) error {
		query.Since = time.Now().Add(-since)
		docs, err := first(limit, c.Reports(command.Context(), query))
		if err != nil {
			return err
		}
		rows := make([][]string, len(docs))
		for i, doc := range docs {
			rows[i] = reportRow(doc)
		}
		return format.Print(command.OutOrStdout(), docs, []string{"time", "device", "device_group", "updated", "cpu", "memory", "disk", "containers"}, rows)
	})
}

// reportRow shows what can be read of a report: a device may send what it likes.
func reportRow(doc json.RawMessage) []string {
	var r report
	_ = json.Unmarshal(doc, &r)
	return []string{
		time.Unix(int64(r.CreationTime), 0).UTC().Format(time.RFC3339), r.Hostname, r.DeviceGroup, yes(r.Updated),
		fmt.Sprintf("%.0f%%", r.CPU.UsedPercent), r.Memory.String(), r.Disk.String(),
		number(int64(len(r.AppsContainers) + len(r.CronJobsContainers))),
	}
}
