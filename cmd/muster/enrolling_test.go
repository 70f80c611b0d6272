package main

import (
	"strings"
	"testing"
	"time"
)

func TestWhatDevicesAreGiven(t *testing.T) {
	for _, tc := range []struct {
		flags enrollFlags
		want  string
	}{
		{enrollFlags{life: time.Hour}, ""},
		{enrollFlags{life: time.Hour, brokerURL: "mqtts://muster.example:8883"}, ""},
		{enrollFlags{life: time.Second}, "device-certificate-life: must be 1m0s or longer, is 1s"},
		{enrollFlags{life: time.Hour, brokerURL: "muster.example"}, "device-broker-url: must be a URL"},
		{enrollFlags{life: time.Hour, brokerURL: "mqtts://user:secret@muster.example"}, "device-broker-url: must be a URL"},
	} {
		err := tc.flags.check()
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tc.want)) {
			t.Errorf("%+v: %v, want %q", tc.flags, err, tc.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells a password: %v", err)
		}
	}
}
