package topics

import (
	"encoding/json"
	"fmt"
)

// A CheckinRequest is a device's question "what should I run?", the payload of a [DeviceCheckin] topic.
type CheckinRequest struct {
	// RequestID comes back in the reply: 1 to [MaxRequestID] printable ASCII characters. A retry of a
	// request has the same one.
	RequestID   string `json:"request_id"`
	DeviceGroup string `json:"device_group"`
	// Have is the newest config that the device holds for this group; left out when it holds none.
	Have Version `json:"have,omitzero"`
	// Boot names this start of the worker, and Seq counts its check-ins from 1: together they show gaps
	// and restarts. Both may be left out.
	Boot string `json:"boot,omitempty"`
	Seq  int64  `json:"seq,omitempty"`
}

// Encode validates and marshals r.
func (r CheckinRequest) Encode() ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	return json.Marshal(r)
}

// ParseCheckinRequest reads and checks a check-in. Errors are [FieldError]s. The RequestID is returned
// even when another field is wrong, so that the refusal can name it.
func ParseCheckinRequest(payload []byte) (CheckinRequest, error) {
	var r CheckinRequest
	err := unmarshal(payload, &r)
	if err == nil {
		err = r.check()
	}
	if err == nil {
		return r, nil
	}
	if checkRequestID(r.RequestID) != nil {
		r.RequestID = ""
	}
	return CheckinRequest{RequestID: r.RequestID}, err
}

func (r CheckinRequest) check() error {
	if err := checkRequestID(r.RequestID); err != nil {
		return err
	}
	if err := checkGroupField(r.DeviceGroup); err != nil {
		return err
	}
	if !r.Have.IsZero() {
		if err := r.Have.Check(); err != nil {
			return within("have", err)
		}
	}
	if len(r.Boot) > MaxName {
		return fieldErrorf("boot", "has %d characters, at most %d are allowed", len(r.Boot), MaxName)
	}
	if r.Seq < 0 {
		return fieldErrorf("seq", "must not be negative, is %d", r.Seq)
	}
	return nil
}

func checkRequestID(id string) error {
	if len(id) == 0 || len(id) > MaxRequestID {
		return fieldErrorf("request_id", "must have 1 to %d characters, has %d", MaxRequestID, len(id))
	}
	for i := range len(id) {
		if id[i] < 0x20 || id[i] > 0x7e {
			return fieldErrorf("request_id", "must be printable ASCII")
		}
	}
	return nil
}

// A CheckinReply is the manager's answer, the payload of a [DeviceReply] topic. Exactly one of
// Unchanged, Config and Error says what it means.
type CheckinReply struct {
	// RequestID is that of the request; empty when the request had none that could be read.
	RequestID string `json:"request_id"`
	// Version is the latest config of the device's group that the manager knows; zero with an Error.
	Version
	// Unchanged says that the device needs nothing: it has Version, or (with StoreBehind) a newer one.
	Unchanged bool `json:"unchanged,omitempty"`
	// StoreBehind says that the device has a newer config than the manager's store, which was probably
	// restored from a backup. The device keeps what it has.
	StoreBehind bool `json:"store_behind,omitempty"`
	// NextIn asks the device to check in again after that many seconds, and not earlier; 0 leaves it to
	// the device.
	NextIn int64 `json:"next_in,omitempty"`
	// Error says in one line why the request was refused; what the device runs does not change.
	Error string `json:"error,omitempty"`
	// Config is the whole config, byte for byte as it is on the [GroupConfig] topic.
	Config json.RawMessage `json:"config,omitempty"`
}

// Encode marshals r. Config goes in untouched.
func (r CheckinReply) Encode() ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	config := r.Config
	r.Config = nil
	envelope, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode check-in reply: %w", err)
	}
	if config == nil {
		return envelope, nil
	}
	// json.Marshal would compact and escape a RawMessage; the bytes must stay what the digest covers.
	payload := make([]byte, 0, len(envelope)+len(config)+len(`,"config":`))
	payload = append(payload, envelope[:len(envelope)-1]...)
	payload = append(payload, `,"config":`...)
	payload = append(payload, config...)
	return append(payload, '}'), nil
}

// ParseCheckinReply reads and checks a reply. The config in it is not looked into: hand it to
// [ParseConfig]. Errors are [FieldError]s.
func ParseCheckinReply(payload []byte) (CheckinReply, error) {
	var r CheckinReply
	if err := unmarshal(payload, &r); err != nil {
		return CheckinReply{}, err
	}
	if err := r.check(); err != nil {
		return CheckinReply{}, err
	}
	return r, nil
}

func (r CheckinReply) check() error {
	if r.RequestID != "" {
		if err := checkRequestID(r.RequestID); err != nil {
			return err
		}
	}
	meanings := 0
	for _, set := range []bool{r.Unchanged, r.Config != nil, r.Error != ""} {
		if set {
			meanings++
		}
	}
	if meanings != 1 {
		return fieldErrorf("unchanged", `or "config" or "error" must be given, and only one of them`)
	}
	if r.Error == "" {
		if err := r.Version.Check(); err != nil {
			return err
		}
	}
	if r.NextIn < 0 {
		return fieldErrorf("next_in", "must not be negative, is %d", r.NextIn)
	}
	return nil
}
