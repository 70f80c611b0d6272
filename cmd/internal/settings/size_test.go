package settings_test

import (
	"testing"

	"github.com/spf13/pflag"

	"muster/cmd/internal/settings"
)

func TestSizeFlag(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "200MB": 200e6, "1.5GB": 1.5e9, "7": 7, "2kb": 2000, "3 MB": 3e6, "1GiB": 1 << 30, "2 mib": 2 << 20} {
		var got int64
		flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
		settings.SizeVar(flags, &got, "disk-reserve", "1GB", "")
		if got != 1e9 {
			t.Errorf("the default is %d", got)
		}
		if err := flags.Parse([]string{"--disk-reserve", text}); err != nil || got != want {
			t.Errorf("%q is %d, %v, want %d", text, got, err, want)
		}
	}
	flags, into := pflag.NewFlagSet("test", pflag.ContinueOnError), int64(0)
	settings.SizeVar(flags, &into, "disk-reserve", "200MB", "")
	if got := flags.Lookup("disk-reserve").DefValue; got != "200MB" {
		t.Errorf("200 MB are shown as %q", got)
	}
}
