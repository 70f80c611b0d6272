package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"muster/cmd/internal/program"
	"muster/cmd/internal/settings"
)

// Nebula's environment is understood, with the values that Nebula takes, and Muster's own names win.
func TestReportsFromNebulasEnvironment(t *testing.T) {
	for _, test := range []struct {
		name string
		env  map[string]string
		args []string
		want reportFlags
	}{
		{"nothing", nil, nil, reportFlags{interval: 5 * time.Minute, outbox: 8e6}},
		{
			"Nebula's", map[string]string{"REPORT_ON_UPDATE_ONLY": "True", "REPORTING_FAIL_HARD": "true"}, nil,
			reportFlags{interval: 5 * time.Minute, outbox: 8e6, updateOnly: true, failHard: true},
		},
		{
			"both", map[string]string{"REPORTING_FAIL_HARD": "True", "MUSTER_REPORTING_FAIL_HARD": "false"}, []string{"--outbox-size=1MB", "--report-interval=1m"},
			reportFlags{interval: time.Minute, outbox: 1e6},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			var f reportFlags
			command := &cobra.Command{RunE: func(*cobra.Command, []string) error { return nil }}
			f.declare(command.Flags())
			aliases := settings.Aliases{}
			for _, flag := range []string{"report-on-update-only", "reporting-fail-hard"} {
				aliases[flag] = nebulaNames[flag]
			}
			program.Settings(command, aliases)
			var stderr bytes.Buffer
			if code := program.Run(command, test.args, &stderr); code != 0 || f != test.want {
				t.Errorf("the settings are %+v (%s), want %+v", f, &stderr, test.want)
			}
		})
	}
}
