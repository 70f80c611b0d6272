package storage

import (
	"encoding/json"
	"strings"
	"time"

	"muster/bridge"
	"muster/manager/store"
	"muster/topics"
)

// A report is what the store looks at in one. What is of another type than it should be is as if it was not there: a device
// that is odd in one thing is seen all the same.
type report struct {
	DeviceGroup string `json:"device_group"`
	topics.Version
	Phase    string           `json:"phase"`
	Failing  []topics.Failure `json:"failing"`
	Apps     []named          `json:"apps"`
	CronJobs []named          `json:"cron_jobs"`
	LeftOut  []string         `json:"left_out"`
	Dropped  int64            `json:"dropped"`
	BootID   string           `json:"boot_id"`
	At       string           `json:"at"`
}

// A named thing is an app or a cron_job.
type named struct {
	App     string `json:"app"`
	CronJob string `json:"cron_job"`
}

func read(payload []byte) (r report) {
	_ = json.Unmarshal(payload, &r) // it goes on behind what is of another type
	if topics.CheckName(r.DeviceGroup) != nil {
		r.DeviceGroup = ""
	}
	if r.Check() != nil {
		r.Version = topics.Version{}
	}
	if len(r.Phase) > topics.MaxName {
		r.Phase = ""
	}
	failing := r.Failing
	r.Failing = nil
	for _, f := range failing {
		name := f.App + f.CronJob
		if name != "" && len(name) <= topics.MaxAppName && len(f.Code) <= topics.MaxName && len(r.Failing) < topics.MaxFailing {
			r.Failing = append(r.Failing, f)
		}
	}
	return r
}

// sighting is a record, and what it says, as a device's row takes it.
func sighting(id string, r bridge.Record, said report) store.Sighting {
	return store.Sighting{
		Head: store.DeviceHead{
			Device: r.Device, DeviceGroup: said.DeviceGroup, Version: said.Version, Phase: said.Phase, Failing: said.Failing,
			Reported: r.Received,
		},
		Report: r.Payload, Boot: r.Boot, Seq: max(r.Seq, 0), ReportKey: id,
	}
}

const (
	// maxAhead is how much later a report's time may be than when it was received.
	maxAhead = 2 * time.Minute
	// maxBehind is how much earlier: it may have waited on the device for a connection, but not for so long.
	maxBehind = 30 * 24 * time.Hour
)

// clockOff is how far the device's clock is ahead, negative when it is behind, and zero when it is about right; known is false
// when the report does not say.
func (r report) clockOff(received time.Time) (off time.Duration, known bool) {
	at, err := time.Parse(time.RFC3339, r.At)
	if err != nil {
		return 0, false
	}
	if off := at.Sub(received); off > maxAhead || off < -maxBehind {
		return off, true
	}
	return 0, true
}

// has says whether an app or cron_job is still the device's to run, as far as the report tells.
func (r report) has(f topics.Failure) bool {
	for _, one := range append(r.Apps, r.CronJobs...) {
		if one.App == f.App && one.CronJob == f.CronJob {
			return true
		}
	}
	return len(r.LeftOut) > 0
}

// line is a text of a device in one line of bounded length.
func line(text string) string {
	runes := []rune(strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " "))
	return string(runes[:min(len(runes), topics.MaxReason)])
}
