package rollout_test

import (
	"context"
	"strconv"

	"muster/manager/client"
	"muster/manager/fleet"
	"muster/topics"
)

const epoch = "01ARZ3NDEKTSV4RRFFQ69G5FAV"

func config(id int64) topics.Version { return topics.Version{Epoch: epoch, ConfigID: id} }

// devices answers as a manager does whose fleet changes from one question to the next only by the hand of a test.
type devices struct {
	all []fleet.Device
	// asked counts the questions.
	asked int
	// before is called before each answer; an error is the answer.
	before func(asked int) error
}

func (f *devices) CountDevices(_ context.Context, q client.DeviceQuery, size int) (fleet.Page, error) {
	f.asked++
	if f.before != nil {
		if err := f.before(f.asked); err != nil {
			return fleet.Page{}, err
		}
	}
	page := fleet.Page{Counts: &fleet.Counts{}}
	is := func(want *bool, value bool) bool { return want == nil || *want == value }
	for _, d := range f.all {
		failing := len(d.Failing) > 0
		if !is(q.Online, d.Online) || !is(q.Behind, d.Behind) || !is(q.Failing, failing) || q.Phase != "" && q.Phase != d.Phase ||
			q.DeviceGroup != "" && q.DeviceGroup != d.DeviceGroup {
			continue
		}
		if len(page.Devices) < size {
			page.Devices = append(page.Devices, d)
		}
		c := page.Counts
		c.Devices++
		for _, count := range []struct {
			is bool
			n  *int64
		}{
			{d.Online, &c.Online}, {!d.Online, &c.Offline}, {d.Online && !d.Behind, &c.Current}, {d.Online && d.Behind, &c.Behind},
			{d.Online && d.Phase == topics.PhaseUpdating, &c.Updating}, {d.Online && failing, &c.Failing},
		} {
			if count.is {
				*count.n++
			}
		}
	}
	return page, nil
}

var failure = topics.Failure{App: "api", Code: topics.ReasonImageMissing, Reason: "not found"}

// The devices of a rollout to config 7.
func done(name string) fleet.Device {
	return fleet.Device{Device: name, DeviceGroup: "shops", Online: true, Phase: topics.PhaseSettled, Applied: config(7), Wanted: config(7)}
}

func waiting(name string) fleet.Device {
	d := done(name)
	d.Applied, d.Behind, d.Phase = config(6), true, fleet.PhaseBehind
	return d
}

func updating(name string) fleet.Device {
	d := waiting(name)
	d.Phase = topics.PhaseUpdating
	d.Pulls = []topics.Progress{{App: "web", Phase: topics.PhasePull, Done: 500, Total: 1000}}
	return d
}

// failing is one that has not applied the config because of it.
func failing(name string) fleet.Device {
	d := updating(name)
	d.Failing, d.Pulls = []topics.Failure{failure}, nil
	return d
}

// rolledBack is one that has applied the config, and on which an app fails.
func rolledBack(name string) fleet.Device {
	d := done(name)
	d.Failing = []topics.Failure{failure}
	return d
}

func offline(d fleet.Device) fleet.Device {
	d.Online = false
	return d
}

// many are so many devices of a kind, by their numbers from the first on.
func many(first, n int, device func(string) fleet.Device) (list []fleet.Device) {
	for i := range n {
		list = append(list, device("d"+strconv.Itoa(first+i)))
	}
	return list
}
