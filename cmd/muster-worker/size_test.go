package main

import (
	"testing"

	"github.com/spf13/pflag"
)

func TestSizeFlag(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "200MB": 200e6, "1.5GB": 1.5e9, "7": 7, "2kb": 2000, "3 MB": 3e6} {
		var got int64
		flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
		sizeVar(flags, &got, "disk-reserve", "1GB", "")
		if got != 1e9 {
			t.Errorf("the default is %d", got)
		}
		if err := flags.Parse([]string{"--disk-reserve", text}); err != nil || got != want {
			t.Errorf("%q is %d, %v, want %d", text, got, err, want)
		}
	}
	s := size(200e6)
	if got := s.String(); got != "200MB" {
		t.Errorf("200 MB are shown as %q", got)
	}
}
