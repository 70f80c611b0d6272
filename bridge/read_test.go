package bridge_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/bridge"
	"muster/topics"
)

func TestRead(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 123_456_789, time.FixedZone("", 3600))
	received := time.Date(2026, 11, 21, 11, 0, 0, 123_000_000, time.UTC)
	const topic = "muster/v1/devices/d1/report"
	tests := []struct {
		name, payload string
		want          bridge.Record
	}{
		{"whole", `{"device":"d1","device_group":"g","report_id":"b-7","boot":"b","seq":7}`, bridge.Record{Group: "g", ReportID: "b-7", Boot: "b", Seq: 7}},
		{"nothing in it", `{}`, bridge.Record{}},
		{"a clock of 1970", `{"at":"1970-01-01T00:00:01Z","report_creation_time":1}`, bridge.Record{}},
		{"odd types", `{"device_group":7,"boot":["b"],"seq":"7","report_id":{}}`, bridge.Record{}},
		{"too long a boot", `{"boot":"` + strings.Repeat("b", 129) + `"}`, bridge.Record{}},
		{"another device", `{"device":"d2"}`, bridge.Record{Flaw: `device: must be "d1" as in the topic, or left out, is "d2"`}},
		{"no device's name", `{"device":1}`, bridge.Record{Flaw: `device: must be "d1" as in the topic, or left out, is 1`}},
		{"not JSON", `{"device":`, bridge.Record{Flaw: "the payload must be a JSON object"}},
		{"not UTF-8", "{\"hostname\":\"caf\xe9\"}", bridge.Record{Flaw: "the payload must be UTF-8"}},
		{"no object", `[1]`, bridge.Record{Flaw: "the payload must be a JSON object"}},
		{"null", `null`, bridge.Record{Flaw: "the payload must be a JSON object"}},
		{"empty", ``, bridge.Record{Flaw: "the payload must be a JSON object"}},
		{"too large", strings.Repeat(" ", topics.MaxPayload) + "{}", bridge.Record{Flaw: "the payload is 65538 bytes, at most 65536 are allowed"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want := test.want
			want.Received, want.Topic, want.Device, want.Payload = received, topic, "d1", []byte(test.payload)
			got := bridge.Read(topic, "d1", []byte(test.payload), now)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
