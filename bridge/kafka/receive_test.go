package kafka

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"muster/bridge"
)

func TestReceive(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	earlier := now.Add(-time.Hour)
	for _, tc := range []struct {
		name string
		m    kgo.Record
		want bridge.Record
	}{
		{
			"the bridge's",
			kgo.Record{
				Key: []byte("d1"), Value: []byte(`{"device":"d1","device_group":"g","report_id":"b-7","boot":"b","seq":7}`), Timestamp: earlier, Offset: 41,
				Headers: []kgo.RecordHeader{{Key: "topic", Value: []byte("muster/v1/devices/d1/report")}, {Key: "device", Value: []byte("d1")}},
			},
			bridge.Record{Offset: 41, Received: earlier, Topic: "muster/v1/devices/d1/report", Device: "d1", Group: "g", ReportID: "b-7", Boot: "b", Seq: 7},
		},
		{
			"a Nebula's worker's",
			kgo.Record{Value: []byte(`{"hostname":"till-1.shop.example","device_group":"g","updated":true}`), Timestamp: earlier},
			bridge.Record{Received: earlier, Device: "till-1-shop-example", Group: "g"},
		},
		{"only the report says", kgo.Record{Value: []byte(`{"device":"d1"}`), Timestamp: earlier}, bridge.Record{Received: earlier, Device: "d1"}},
		{"an odd field beside the name", kgo.Record{Value: []byte(`{"hostname":7,"device":"d1"}`), Timestamp: earlier}, bridge.Record{Received: earlier, Device: "d1"}},
		{"nobody says", kgo.Record{Value: []byte(`{"hostname":"..."}`), Timestamp: earlier}, bridge.Record{Received: earlier, Flaw: "neither the key nor the report says which device it is about"}},
		{"another device", kgo.Record{Key: []byte("d1"), Value: []byte(`{"device":"d2"}`), Timestamp: earlier}, bridge.Record{Received: earlier, Device: "d1", Flaw: `device: must be "d1" as in the topic, or left out, is "d2"`}},
		{"not JSON", kgo.Record{Key: []byte("d1"), Value: []byte("\x00"), Timestamp: earlier}, bridge.Record{Received: earlier, Device: "d1", Flaw: "the payload must be a JSON object"}},
		{"empty", kgo.Record{Timestamp: earlier}, bridge.Record{Received: earlier, Flaw: "the payload must be a JSON object"}},
		{"a clock of 1970", kgo.Record{Key: []byte("d1"), Value: []byte("{}"), Timestamp: time.UnixMilli(-1)}, bridge.Record{Received: now, Device: "d1"}},
		{"a clock of 2100", kgo.Record{Key: []byte("d1"), Value: []byte("{}"), Timestamp: now.AddDate(74, 0, 0)}, bridge.Record{Received: now, Device: "d1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.want.Payload = tc.m.Value
			if diff := cmp.Diff(tc.want, receive(&tc.m, now)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzReceive(f *testing.F) {
	f.Add([]byte("d1"), []byte(`{"hostname":"h","device":{}}`), int64(0))
	f.Add([]byte{0xff}, []byte(`[null]`), int64(-1<<63))
	f.Fuzz(func(t *testing.T, key, value []byte, at int64) {
		now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
		r := receive(&kgo.Record{Key: key, Value: value, Timestamp: time.UnixMilli(at)}, now)
		if r.Flaw == "" && r.Device == "" || r.Received.Unix() <= 0 || r.Received.After(now.Add(24*time.Hour)) {
			t.Errorf("%+v", r)
		}
	})
}
