package topics

import (
	"encoding/json"
	"time"
)

// A Summary counts the devices of a device_group ([GroupSummary]) or of the whole fleet
// ([FleetSummary]). It is retained and published at most once in ten seconds.
type Summary struct {
	// DeviceGroup is empty in the summary of the fleet.
	DeviceGroup string `json:"device_group,omitempty"`
	// Wanted is the config that the group's devices should be at; zero in the summary of the fleet.
	Wanted Version `json:"wanted,omitzero"`
	// Devices counts those that are known; Online those connected now, and Offline the others. Of those online, Current have
	// applied the wanted config and Behind have not, where one is wanted; Updating are at it; on the Failing something
	// fails: an app, a cron_job, or the worker itself.
	Devices  int64 `json:"devices"`
	Online   int64 `json:"online"`
	Offline  int64 `json:"offline"`
	Current  int64 `json:"current"`
	Behind   int64 `json:"behind"`
	Updating int64 `json:"updating"`
	Failing  int64 `json:"failing"`
	// StoreBehind counts (in the summary of the fleet) or says by 1 (in that of a group) the groups whose
	// devices have a newer config than the store.
	StoreBehind int64 `json:"store_behind,omitempty"`
	// ConfigIDs counts a group's online devices by the config_id that they have applied; "0" is none.
	ConfigIDs map[string]int64 `json:"config_ids,omitempty"`
	// FailingApps counts the online devices on which an app fails, by app.
	FailingApps map[string]int64 `json:"failing_apps,omitempty"`
	At          time.Time        `json:"at"`
}

// Encode marshals s.
func (s Summary) Encode() ([]byte, error) {
	s.At = s.At.UTC().Truncate(time.Millisecond)
	return json.Marshal(s)
}

// ParseSummary reads and checks a summary. Errors are [FieldError]s.
func ParseSummary(payload []byte) (Summary, error) {
	var s Summary
	if err := unmarshal(payload, &s); err != nil {
		return Summary{}, err
	}
	if s.DeviceGroup != "" {
		if err := checkGroupField(s.DeviceGroup); err != nil {
			return Summary{}, err
		}
	}
	return s, nil
}
