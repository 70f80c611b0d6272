package api

import (
	"context"
	"errors"
	"slices"

	"muster/manager/snapshot"
	"muster/manager/store"
	"muster/topics"
)

// appFits reports why a device_group that lists the app could not have a config with the app in it as it
// would be.
func (a *api) appFits(ctx context.Context, app topics.App) error {
	return a.eachFits(ctx,
		func(g store.DeviceGroup) bool { return slices.Contains(g.Apps, app.AppName) },
		func(parts snapshot.Parts) { parts.Apps.Docs[app.AppName] = app })
}

// cronJobFits is appFits for a cron_job.
func (a *api) cronJobFits(ctx context.Context, job topics.CronJob) error {
	return a.eachFits(ctx,
		func(g store.DeviceGroup) bool { return slices.Contains(g.CronJobs, job.CronJobName) },
		func(parts snapshot.Parts) { parts.CronJobs.Docs[job.CronJobName] = job })
}

// eachFits reports why a device_group that lists what is to change could not have a config after apply has
// changed it.
func (a *api) eachFits(ctx context.Context, lists func(store.DeviceGroup) bool, apply func(snapshot.Parts)) error {
	groups, err := a.store.DeviceGroups().All(ctx)
	// Those that make no sense, and what else makes none below, get no new config before it is repaired.
	var unreadable *store.UnreadableError
	if err != nil && !errors.As(err, &unreadable) {
		return err
	}
	groups = slices.DeleteFunc(groups, func(g store.DeviceGroup) bool { return !lists(g) })
	if len(groups) == 0 {
		return nil
	}
	parts, err := snapshot.ReadParts(ctx, a.store, groups...)
	if err != nil {
		return err
	}
	apply(parts)
	for _, g := range groups {
		if err := snapshot.Fits(g, parts); err != nil {
			return err
		}
	}
	return nil
}

// groupFits reports why group, which is to be written with patch applied, could not have a config: patch
// lists what it may not, or the config would be too large.
func (a *api) groupFits(ctx context.Context, group store.DeviceGroup, patch groupPatch) error {
	parts, err := snapshot.ReadParts(ctx, a.store, group)
	if err != nil {
		return err
	}
	if err := patch.check(parts); err != nil {
		return err
	}
	if err := parts.Unreadable(group); err != nil {
		return err
	}
	return snapshot.Fits(group, parts)
}
