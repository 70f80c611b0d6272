package api

import (
	"net/http"

	"muster/manager/store"
	"muster/topics"
)

// A groupPatch is what a request body says about a device_group.
type groupPatch struct {
	// apps and cronJobs are nil when the body leaves them out, and not nil when it gives an empty list.
	apps, cronJobs []string
}

// readGroupPatch reads the body of a request. The order of its checks is Nebula's.
func readGroupPatch(r *http.Request) (groupPatch, error) {
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
		if len(p.cronJobs) > 0 {
			return groupPatch{}, errNoSuchCronJob // there are none in this version
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

// check reports the first app that the body lists and that does not exist, or that it lists twice.
func (p groupPatch) check(existing map[string]topics.App) error {
	listed := make(map[string]bool, len(p.apps))
	for _, name := range p.apps {
		if _, ok := existing[name]; !ok {
			return errNoSuchApp
		}
		if listed[name] {
			return fieldErrorf("apps", "%q is listed twice", name)
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
