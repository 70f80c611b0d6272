package topics

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"
)

// PhasePull is the phase of a [Progress] while an image is being pulled.
const PhasePull = "pull"

// Progress says how far a device is with something long: the payload of a [DeviceProgress] topic, sent
// at most once a second per app or cron_job and not retained.
type Progress struct {
	// App is the app that it is about, or CronJob the cron_job.
	App     string `json:"app,omitempty"`
	CronJob string `json:"cron_job,omitempty"`
	Phase   string `json:"phase"`
	// Done and Total count bytes. Total grows while the engine learns of more layers, and is 0 as long
	// as it knows of none.
	Done  int64     `json:"done"`
	Total int64     `json:"total"`
	At    time.Time `json:"at"`
}

// Encode validates and marshals p.
func (p Progress) Encode() ([]byte, error) {
	p.At = p.At.UTC().Truncate(time.Millisecond)
	if err := p.check(); err != nil {
		return nil, err
	}
	return json.Marshal(p)
}

// ParseProgress reads and checks a progress. Errors are [FieldError]s.
func ParseProgress(payload []byte) (Progress, error) {
	var p Progress
	if err := unmarshal(payload, &p); err != nil {
		return Progress{}, err
	}
	if err := p.check(); err != nil {
		return Progress{}, err
	}
	return p, nil
}

func (p Progress) check() error {
	switch {
	case p.CronJob == "":
		if err := CheckAppName(p.App); err != nil {
			return fieldError("app", err)
		}
	case p.App != "":
		return fieldErrorf("cron_job", "must be empty beside an app")
	default:
		if err := CheckAppName(p.CronJob); err != nil {
			return fieldError("cron_job", err)
		}
	}
	if p.Phase == "" {
		return fieldErrorf("phase", "must not be empty")
	}
	if p.Done < 0 || p.Total < 0 {
		return fieldErrorf("done", "and total must not be negative")
	}
	return nil
}

// shorten cuts s to at most limit bytes of one line of valid UTF-8.
func shorten(s string, limit int) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	if len(s) <= limit {
		return s
	}
	cut := limit - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
