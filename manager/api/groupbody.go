package api

import (
	"cmp"
	"net/http"

	"muster/manager/snapshot"
	"muster/manager/store"
)

// A groupPatch is what a request body says about a device_group.
type groupPatch struct {
	// apps and cronJobs are nil when the body leaves them out, and not nil when it gives an empty list.
	apps, cronJobs []string
}

// readPatch reads the body of a request. The order of its checks is Nebula's.
func (g groups) readPatch(r *http.Request) (groupPatch, error) {
	fields, err := readObject(r)
	if err != nil {
		return groupPatch{}, err
	}
	if fields == nil {
		return groupPatch{}, errNothingGiven
	}
	fields.drop("device_group", "device_group_id", "prune_id", "_id")
	if err := fields.refuseUnknown("apps", "cron_jobs"); err != nil {
		return groupPatch{}, err
	}
	var p groupPatch
	if raw, ok := fields["cron_jobs"]; ok {
		v := value{"cron_jobs", raw}
		if !v.isList() {
			return groupPatch{}, errCronJobsNotAList
		}
		if err := v.strings(&p.cronJobs); err != nil {
			return groupPatch{}, err
		}
		parts, err := snapshot.ReadParts(r.Context(), g.store, store.DeviceGroup{CronJobs: p.cronJobs})
		if err != nil {
			return groupPatch{}, err
		}
		if err := checkListed("cron_jobs", p.cronJobs, parts.CronJobs.Has, errNoSuchCronJob); err != nil {
			return groupPatch{}, err
		}
	}
	if raw, ok := fields["apps"]; ok {
		v := value{"apps", raw}
		if !v.isList() {
			return groupPatch{}, errAppsNotAList
		}
		if err := v.strings(&p.apps); err != nil {
			return groupPatch{}, err
		}
	}
	return p, nil
}

func (p groupPatch) isEmpty() bool { return p.apps == nil && p.cronJobs == nil }

// check reports the first that the body lists and that does not exist, or that it lists twice.
func (p groupPatch) check(existing snapshot.Parts) error {
	return cmp.Or(
		checkListed("cron_jobs", p.cronJobs, existing.CronJobs.Has, errNoSuchCronJob),
		checkListed("apps", p.apps, existing.Apps.Has, errNoSuchApp),
	)
}

func checkListed(field string, names []string, exists func(string) bool, missing error) error {
	listed := make(map[string]bool, len(names))
	for _, name := range names {
		if !exists(name) {
			return missing
		}
		if listed[name] {
			return fieldErrorf(field, "%q is listed twice", name)
		}
		listed[name] = true
	}
	return nil
}

// apply sets the lists of g that the body gives.
func (p groupPatch) apply(g *store.DeviceGroup) {
	if p.apps != nil {
		g.Apps = p.apps
	}
	if p.cronJobs != nil {
		g.CronJobs = p.cronJobs
	}
}
