package kafka

import (
	"encoding/json"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"muster/bridge"
	"muster/topics"
)

// receive makes a record of a message: of the bridge's, or of a Nebula's worker, which has neither key nor headers and tells its
// host's name in the report. What is no report has a flaw.
func receive(m *kgo.Record, now time.Time) bridge.Record {
	headers := map[string]string{}
	for _, h := range m.Headers {
		headers[h.Key] = string(h.Value)
	}
	// Of a clock that is far off nothing would be kept for as long as it should. Such a report has another id when it is read again.
	if at := m.Timestamp; at.Unix() > 0 && at.Before(now.Add(24*time.Hour)) {
		now = at
	}
	r := bridge.Read(headers[HeaderTopic], device(m, headers), m.Value, now)
	if r.Device == "" && r.Flaw == "" {
		r.Flaw = "neither the key nor the report says which device it is about"
	}
	r.Offset = uint64(m.Offset) //nolint:gosec // never negative
	return r
}

// device is the name of the device that a message is about; empty when nothing of it says so.
func device(m *kgo.Record, headers map[string]string) string {
	var said struct{ Device, Hostname any }
	_ = json.Unmarshal(m.Value, &said) // what is no object has no device
	text := func(field any) string {
		s, _ := field.(string)
		return s
	}
	for _, name := range []string{headers[HeaderDevice], string(m.Key), text(said.Device), topics.NameOf(text(said.Hostname))} {
		if topics.CheckName(name) == nil {
			return name
		}
	}
	return ""
}
