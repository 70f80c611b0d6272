package store

import "time"

// An Event is something that happened to a device.
type Event struct {
	// At is when it was noticed, in UTC.
	At time.Time `json:"at"`
	// Kind is one of the kinds below.
	Kind string `json:"kind"`
	// App and CronJob say what it is about; empty when it is about the device.
	App     string `json:"app,omitempty"`
	CronJob string `json:"cron_job,omitempty"`
	// Text is a line for people.
	Text string `json:"text"`
}

// Kinds of an [Event]. New ones may be added; those that are here keep their meaning.
const (
	EventSeen      = "seen"      // the first report of a device
	EventApplied   = "applied"   // another config runs
	EventFailing   = "failing"   // an app or cron_job does not run as wanted, or for another reason than before
	EventRecovered = "recovered" // an app or cron_job runs as wanted again
	EventRestarted = "restarted" // the worker or the device started anew
	EventLost      = "lost"      // reports of the device are missing
	EventClockOff  = "clock_off" // the device's clock is wrong
	EventClockSet  = "clock_set" // the device's clock is right again
	EventMoved     = "moved"     // the device is in another device_group

	EventPending   = "pending"    // the device has shown a token and waits for an admin
	EventEnrolled  = "enrolled"   // the device has shown a token and has an identity
	EventApproved  = "approved"   // an admin has let the device in
	EventSecret    = "secret"     // an admin has given the device a secret
	EventRevoked   = "revoked"    // an admin has shut the device out
	EventRenewed   = "renewed"    // the device has another certificate
	EventRefused   = "refused"    // somebody without the device's key wanted to be it
	EventTakenOver = "taken_over" // another connection with the device's identity has ended the one before
)
