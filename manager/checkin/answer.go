package checkin

import (
	"errors"
	"fmt"

	"muster/manager/store"
	"muster/topics"
)

// Answer is the reply to a check-in. latest is the latest config of the device's group, or err says why
// there is none: [store.ErrNotFound] that there is no such group, a [topics.FieldError] that its config
// cannot be made, and anything else that it is not known at the moment.
//
// A device that has a newer config than latest is left with it: the reply says that the store is behind.
func Answer(req topics.CheckinRequest, latest store.Snapshot, err error) topics.CheckinReply {
	if err != nil {
		return topics.CheckinReply{RequestID: req.RequestID, Error: reason(req.DeviceGroup, err)}
	}
	reply := topics.CheckinReply{RequestID: req.RequestID, Version: latest.Version}
	switch req.Have.Compare(latest.Version) {
	case 0:
		reply.Unchanged = true
	case +1:
		reply.Unchanged, reply.StoreBehind = true, true
	default:
		reply.Config = latest.Payload
	}
	return reply
}

// reason says in one line, and without anything internal, why there is no config.
func reason(group string, err error) string {
	var invalid *topics.FieldError
	switch {
	case errors.Is(err, store.ErrNotFound):
		return fmt.Sprintf("device_group: %q does not exist", group)
	case errors.As(err, &invalid):
		return fmt.Sprintf("device_group: %q has no config yet: %v", group, invalid)
	}
	return fmt.Sprintf("device_group: the config of %q is not known at the moment, ask again", group)
}

// Refuse is the reply to a request that could not be read. requestID is empty when that could not be
// read either.
func Refuse(requestID string, err error) topics.CheckinReply {
	return topics.CheckinReply{RequestID: requestID, Error: err.Error()}
}
