package api

import (
	"cmp"
	"context"
	"slices"

	"muster/manager/snapshot"
	"muster/manager/store"
	"muster/topics"
)

// appFits reports why a device_group that lists the app could not have a config with the app in it as it
// would be.
func (a *api) appFits(ctx context.Context, app topics.App) error {
	groups, err := a.listing.withApp(ctx, app.AppName)
	if err != nil {
		return err
	}
	return a.allFit(ctx, groups,
		func(parts snapshot.Parts) { parts.Apps.Docs[app.AppName] = app },
		func(g store.DeviceGroup, parts snapshot.Parts) error {
			return checkGroupPorts(g, parts, func(name string) bool { return name == app.AppName })
		})
}

// cronJobFits is appFits for a cron_job.
func (a *api) cronJobFits(ctx context.Context, job topics.CronJob) error {
	groups, err := a.listing.withCronJob(ctx, job.CronJobName)
	if err != nil {
		return err
	}
	return a.allFit(ctx, groups,
		func(parts snapshot.Parts) { parts.CronJobs.Docs[job.CronJobName] = job },
		func(store.DeviceGroup, snapshot.Parts) error { return nil })
}

// allFit reports why one of the device_groups could not have a config after apply has changed what they list, or
// what check has against that group.
func (a *api) allFit(ctx context.Context, groups []store.DeviceGroup, apply func(snapshot.Parts),
	check func(store.DeviceGroup, snapshot.Parts) error,
) error {
	if len(groups) == 0 {
		return nil
	}
	parts, err := snapshot.ReadParts(ctx, a.store, groups...)
	if err != nil {
		return err
	}
	apply(parts)
	for _, g := range groups {
		if err := cmp.Or(snapshot.Fits(g, parts), check(g, parts)); err != nil {
			return err
		}
	}
	return nil
}

// groupFits reports why group, which is to be written with patch applied, could not have a config: patch
// lists what it may not, what is new in it takes ports of others, or the config would be too large. before is
// the group as it is, zero when it is new.
func (a *api) groupFits(ctx context.Context, before, group store.DeviceGroup, patch groupPatch) error {
	parts, err := snapshot.ReadParts(ctx, a.store, group)
	if err != nil {
		return err
	}
	return cmp.Or(
		patch.check(parts),
		parts.Unreadable(group),
		checkGroupPorts(group, parts, func(app string) bool { return !slices.Contains(before.Apps, app) }),
		snapshot.Fits(group, parts),
	)
}
