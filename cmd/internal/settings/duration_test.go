package settings_test

import (
	"testing"
	"time"

	"github.com/spf13/pflag"

	"muster/cmd/internal/settings"
)

func TestDuration(t *testing.T) {
	for _, tc := range []struct {
		text string
		want time.Duration // 0 is refused
	}{
		{"30s", 30 * time.Second},
		{"1m30s", 90 * time.Second},
		{"30", 30 * time.Second},
		{"0.5", 500 * time.Millisecond},
		{"0", 0}, {"-1s", 0}, {"-5", 0}, {"soon", 0}, {"", 0}, {"NaN", 0}, {"1e300", 0},
	} {
		var got time.Duration
		flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
		settings.DurationVar(flags, &got, "every", time.Hour, "")
		err := flags.Parse([]string{"--every=" + tc.text})
		if tc.want == 0 {
			if err == nil || got != time.Hour {
				t.Errorf("%q is taken as %v", tc.text, got)
			}
			continue
		}
		if err != nil || got != tc.want {
			t.Errorf("%q is %v, %v, want %v", tc.text, got, err, tc.want)
		}
	}
}

// A default of zero may also be asked for, against the environment for example.
func TestDurationThatIsZeroByDefault(t *testing.T) {
	for _, tc := range []struct {
		text string
		want time.Duration // below 0 is refused
	}{{"0", 0}, {"0s", 0}, {"30s", 30 * time.Second}, {"-1s", -1}, {"soon", -1}} {
		var got time.Duration
		flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
		settings.DurationVar(flags, &got, "drain", 0, "")
		got = time.Hour
		err := flags.Parse([]string{"--drain=" + tc.text})
		if tc.want < 0 && (err == nil || got != time.Hour) || tc.want >= 0 && (err != nil || got != tc.want) {
			t.Errorf("%q is %v, %v, want %v", tc.text, got, err, tc.want)
		}
	}
}
