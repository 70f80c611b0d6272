// Package fleet is what managers tell of the devices: who is connected, what each has applied, and what fails. Package devices
// knows it; those who only read what it says need not link that.
package fleet

import (
	"time"

	"muster/manager/store"
	"muster/topics"
)

// PhaseBehind is the phase of a device that has not heard of the wanted config yet.
const PhaseBehind = "behind"

// A Device is one in a list: an entry of GET /api/v2/devices.
type Device struct {
	Device      string `json:"device"`
	DeviceGroup string `json:"device_group"`
	Online      bool   `json:"online"`
	// Phase is that of [topics.Report], or [PhaseBehind] of a device that has not heard of the wanted config yet; empty when it
	// never said.
	Phase string `json:"phase"`
	// Applied is the config that runs, and Wanted the latest one of its device_group; zero when there is none.
	Applied topics.Version `json:"applied"`
	Wanted  topics.Version `json:"wanted"`
	// Behind says that the two differ.
	Behind bool `json:"behind"`
	// Failing lists what does not run as wanted.
	Failing []topics.Failure  `json:"failing"`
	Labels  map[string]string `json:"labels"`
	// LastSeen is when the managers last heard of it, as far as this one knows; nil when nobody did.
	LastSeen *time.Time `json:"last_seen"`
	Agent    string     `json:"agent,omitempty"`
	// IdentityState is that of [store.Identity]; empty of a device that has none.
	IdentityState store.IdentityState `json:"identity_state,omitempty"`
	// Pulls are the images that it fetches at this moment.
	Pulls []topics.Progress `json:"pulls,omitempty"`
}

// Counts are over devices.
type Counts struct {
	// Devices counts all; the others are of those online, but for Offline. Current have applied the wanted config, Behind
	// have not, Updating are about to, Failing have something that fails.
	Devices  int64 `json:"devices"`
	Online   int64 `json:"online"`
	Offline  int64 `json:"offline"`
	Current  int64 `json:"current"`
	Behind   int64 `json:"behind"`
	Updating int64 `json:"updating"`
	Failing  int64 `json:"failing"`
}

// Add adds up the counts of different devices.
func (c *Counts) Add(o Counts) {
	c.Devices += o.Devices
	c.Online += o.Online
	c.Offline += o.Offline
	c.Current += o.Current
	c.Behind += o.Behind
	c.Updating += o.Updating
	c.Failing += o.Failing
}

// A Page is the answer to GET /api/v2/devices.
type Page struct {
	// Devices are in ascending byte order of their names.
	Devices []Device `json:"devices"`
	// Next is what to give as "after" for the next page; nil when there is none.
	Next *string `json:"next"`
	// Counts are over all devices that the filters select, not only this page's; nil unless asked for.
	Counts *Counts `json:"counts,omitempty"`
}

// A Detail is all that is known of one device: the answer to GET /api/v2/devices/{device}.
type Detail struct {
	Device
	Note string `json:"note"`
	// Identity is what it is known by; nil when it has none.
	Identity *Identity `json:"identity"`
	// Since is when its connection was made or lost, as far as this manager knows.
	Since *time.Time `json:"since"`
	// Machine has the facts of the last report.
	Machine topics.Machine `json:"machine"`
	// Apps has an entry for each app that is wanted or that the device has.
	Apps     []App                 `json:"apps"`
	CronJobs []topics.CronJobState `json:"cron_jobs"`
	// LastReport is the last one; nil without one.
	LastReport *LastReport `json:"last_report"`
	// Events are the last ones, newest first.
	Events []store.Event `json:"events"`
}

// An App is what a device is to run of one app, what it runs, and why not what it should.
type App struct {
	App string `json:"app"`
	// WantedID is the app_id in the latest config of the device_group; 0 when the app is not in it.
	WantedID int64 `json:"wanted_id"`
	// RunningID is the app_id that runs; 0 when none does, or it is not known.
	RunningID int64  `json:"running_id"`
	Phase     string `json:"phase"`
	// Code and Reason say why it does not run as wanted; empty when it does.
	Code       topics.Reason           `json:"code,omitempty"`
	Reason     string                  `json:"reason,omitempty"`
	Next       *time.Time              `json:"next,omitempty"`
	Containers []topics.ContainerState `json:"containers"`
}

// A LastReport says when a device's last report was made and received.
type LastReport struct {
	ReportID string    `json:"report_id,omitempty"`
	Received time.Time `json:"received"`
	// At is by the device's clock, which is off by ClockOff seconds; both only when the report has a time.
	At       *time.Time `json:"at,omitempty"`
	ClockOff float64    `json:"clock_off_seconds,omitempty"`
	// Dropped counts the reports that the device had no room for while it was not connected.
	Dropped int64 `json:"dropped,omitempty"`
}
