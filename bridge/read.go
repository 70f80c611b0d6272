package bridge

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"muster/topics"
)

// Read makes a record of what was published on a device's report topic. It never fails: what is no report has a Flaw. The
// payload is kept, and must not be changed afterwards.
func Read(topic, device string, payload []byte, now time.Time) Record {
	r := Record{Received: now.UTC().Truncate(time.Millisecond), Topic: topic, Device: device, Payload: payload}
	if len(payload) > topics.MaxPayload {
		r.Flaw = fmt.Sprintf("the payload is %d bytes, at most %d are allowed", len(payload), topics.MaxPayload)
		return r
	}
	if !utf8.Valid(payload) {
		r.Flaw = "the payload must be UTF-8" // encoding/json does not mind; whoever reads it may
		return r
	}
	var fields *said
	if err := json.Unmarshal(payload, &fields); err != nil || fields == nil {
		r.Flaw = "the payload must be a JSON object"
		return r
	}
	if fields.Device != nil && text(fields.Device) != device {
		r.Flaw = fmt.Sprintf("device: must be %q as in the topic, or left out, is %.80s", device, fields.Device)
		return r
	}
	r.Group, r.ReportID, r.Boot = text(fields.Group), text(fields.ReportID), text(fields.Boot)
	_ = json.Unmarshal(fields.Seq, &r.Seq) // a number that is none is as good as none
	return r
}

// said is what a record carries of a payload, whatever the types are there.
type said struct {
	Device   json.RawMessage `json:"device"`
	Group    json.RawMessage `json:"device_group"`
	ReportID json.RawMessage `json:"report_id"`
	Boot     json.RawMessage `json:"boot"`
	Seq      json.RawMessage `json:"seq"`
}

// maxText is the longest of a payload's texts that is carried beside it, in bytes.
const maxText = 128

func text(field json.RawMessage) (s string) {
	if json.Unmarshal(field, &s) != nil || len(s) > maxText {
		return ""
	}
	return s
}
