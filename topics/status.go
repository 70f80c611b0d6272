package topics

import (
	"encoding/json"
	"time"
)

// States of a device or manager.
const (
	Online  = "online"
	Offline = "offline"
)

// A Status says whether a device is connected and what it has applied: the retained payload of a
// [DeviceStatus] topic. The worker publishes it when it connects and when something in it changes; its
// will publishes the Offline one.
type Status struct {
	// State is Online or Offline.
	State string `json:"state"`
	// Session numbers the device's connections, rising. An Offline status ends the session it names and
	// older ones only: wills arrive late and out of order.
	Session     int64  `json:"session"`
	DeviceGroup string `json:"device_group"`
	// Version is the config that the device has applied; zero while it has none.
	Version
	// Phase is that of the [Report] of the same moment; empty from workers that do not say.
	Phase string `json:"phase,omitempty"`
	// Failing lists the apps that do not run as wanted, each with the reason; at most [MaxFailing].
	Failing []Failure `json:"failing,omitempty"`
	// Agent names the worker and its version, such as "muster-worker/0.1.0".
	Agent string `json:"agent,omitempty"`
	// At is the device's clock, in UTC. It is for people: a device's clock may be wrong.
	At time.Time `json:"at"`
}

// A Failure says why an app or cron_job does not run as wanted.
type Failure struct {
	// App is the app's name; empty for a cron_job.
	App string `json:"app,omitempty"`
	// CronJob is the cron_job's name; empty for an app.
	CronJob string `json:"cron_job,omitempty"`
	// Code is the kind of the failure; empty from workers that know no codes.
	Code Reason `json:"code,omitempty"`
	// Reason is one line of at most [MaxReason] bytes.
	Reason string `json:"reason"`
}

// Limits of a [Status].
const (
	MaxFailing = 20
	MaxReason  = 300
)

// Encode validates and marshals s. It shortens Failing and its reasons to their limits.
func (s Status) Encode() ([]byte, error) {
	failing := make([]Failure, 0, min(len(s.Failing), MaxFailing))
	for _, f := range s.Failing[:min(len(s.Failing), MaxFailing)] {
		f.Reason = shorten(f.Reason, MaxReason)
		failing = append(failing, f)
	}
	s.Failing = failing
	s.At = s.At.UTC().Truncate(time.Millisecond)
	if err := s.check(); err != nil {
		return nil, err
	}
	return json.Marshal(s)
}

// ParseStatus reads and checks a status. Errors are [FieldError]s.
func ParseStatus(payload []byte) (Status, error) {
	var s Status
	if err := unmarshal(payload, &s); err != nil {
		return Status{}, err
	}
	if err := s.check(); err != nil {
		return Status{}, err
	}
	return s, nil
}

func (s Status) check() error {
	if err := checkState(s.State); err != nil {
		return err
	}
	if s.Session < 0 {
		return fieldErrorf("session", "must not be negative, is %d", s.Session)
	}
	if err := checkGroupField(s.DeviceGroup); err != nil {
		return err
	}
	if len(s.Phase) > MaxName {
		return fieldErrorf("phase", `must be a word such as "settled", is %.40q`, s.Phase)
	}
	if !s.Version.IsZero() {
		return s.Version.Check()
	}
	return nil
}

func checkState(state string) error {
	if state != Online && state != Offline {
		return fieldErrorf("state", `must be "online" or "offline", is %.40q`, state)
	}
	return nil
}

// Presence says whether a manager or a bridge is connected: the retained payload of a [ManagerStatus] or [BridgeStatus]
// topic.
type Presence struct {
	State string `json:"state"`
	// Instance tells bridges of one name apart, of which one is connected at a time; managers leave it out.
	Instance string    `json:"instance,omitempty"`
	Agent    string    `json:"agent,omitempty"`
	At       time.Time `json:"at"`
}

// Encode validates and marshals p.
func (p Presence) Encode() ([]byte, error) {
	p.At = p.At.UTC().Truncate(time.Millisecond)
	if err := checkState(p.State); err != nil {
		return nil, err
	}
	return json.Marshal(p)
}

// ParsePresence reads and checks a presence. Errors are [FieldError]s.
func ParsePresence(payload []byte) (Presence, error) {
	var p Presence
	if err := unmarshal(payload, &p); err != nil {
		return Presence{}, err
	}
	if err := checkState(p.State); err != nil {
		return Presence{}, err
	}
	return p, nil
}
