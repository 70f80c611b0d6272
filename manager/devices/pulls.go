package devices

import (
	"cmp"
	"slices"
	"time"

	"muster/topics"
)

const (
	// pullsEnd is how long after its last progress a pull counts as over: devices tell of one about once a second.
	pullsEnd = 30 * time.Second
	// maxPulls is how many pulls of a device are kept, and maxPulling of how many devices.
	maxPulls   = 16
	maxPulling = 100_000
)

// pulls are the images that devices fetch at this moment, by device.
type pulls map[string][]pull

// A pull is the latest progress of one.
type pull struct {
	topics.Progress
	heard time.Time
}

// take replaces what was known of the same app or cron_job. What is beyond the limits is left out.
func (p pulls) take(device string, progress topics.Progress, now time.Time) {
	known := p[device]
	i := slices.IndexFunc(known, func(k pull) bool { return k.App == progress.App && k.CronJob == progress.CronJob })
	over := progress.Phase != topics.PhasePull || progress.Total > 0 && progress.Done >= progress.Total
	switch {
	case over && i < 0:
	case over:
		p.keep(device, slices.Delete(known, i, i+1))
	case i >= 0:
		known[i] = pull{progress, now}
	case len(known) < maxPulls && (len(known) > 0 || len(p) < maxPulling):
		p[device] = append(known, pull{progress, now})
	}
}

func (p pulls) keep(device string, left []pull) {
	if p[device] = left; len(left) == 0 {
		delete(p, device)
	}
}

// expire drops those of which nothing was heard for long.
func (p pulls) expire(now time.Time) {
	for device, known := range p {
		p.keep(device, slices.DeleteFunc(known, func(k pull) bool { return now.Sub(k.heard) > pullsEnd }))
	}
}

// of are those of one device, by app and cron_job; nil when there is none.
func (p pulls) of(device string) (list []topics.Progress) {
	for _, k := range p[device] {
		list = append(list, k.Progress)
	}
	slices.SortFunc(list, func(a, b topics.Progress) int {
		return cmp.Or(cmp.Compare(a.App, b.App), cmp.Compare(a.CronJob, b.CronJob))
	})
	return list
}
