package api

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"muster/manager/snapshot"
	"muster/manager/store"
	"muster/topics"
)

// appFits reports why a device_group that lists the app could not have a config with the app in it as it
// would be, or why it cannot depend on the apps that it names.
func (a *api) appFits(ctx context.Context, before, app topics.App) error {
	if err := a.canDependOn(ctx, app, before.DependsOn); err != nil {
		return err
	}
	groups, err := a.listing.withApp(ctx, app.AppName)
	if err != nil {
		return err
	}
	return a.allFit(ctx, groups,
		func(parts *snapshot.Parts) { parts.Apps.Docs = with(parts.Apps.Docs, app.AppName, app) },
		func(g store.DeviceGroup, before, after snapshot.Parts) error {
			if slices.Equal(portsTaken(before.Apps.Docs[app.AppName]), portsTaken(app)) {
				return nil
			}
			return checkGroupPorts(g, after, func(name string) bool { return name == app.AppName })
		})
}

// cronJobFits is appFits for a cron_job.
func (a *api) cronJobFits(ctx context.Context, _, job topics.CronJob) error {
	groups, err := a.listing.withCronJob(ctx, job.CronJobName)
	if err != nil {
		return err
	}
	return a.allFit(ctx, groups,
		func(parts *snapshot.Parts) { parts.CronJobs.Docs = with(parts.CronJobs.Docs, job.CronJobName, job) },
		func(store.DeviceGroup, snapshot.Parts, snapshot.Parts) error { return nil })
}

// with is a copy of docs in which doc has that name.
func with[T any](docs map[string]T, name string, doc T) map[string]T {
	docs = maps.Clone(docs)
	docs[name] = doc
	return docs
}

// allFit reports why one of the device_groups could not have a config after apply has changed what they list, or
// what check has against that group.
func (a *api) allFit(ctx context.Context, groups []store.DeviceGroup, apply func(*snapshot.Parts),
	check func(g store.DeviceGroup, before, after snapshot.Parts) error,
) error {
	if len(groups) == 0 {
		return nil
	}
	before, err := snapshot.ReadParts(ctx, a.store, groups...)
	if err != nil {
		return err
	}
	after := before
	apply(&after)
	for _, g := range groups {
		if err := cmp.Or(breaks(g, before, g, after), check(g, before, after)); err != nil {
			return err
		}
	}
	return nil
}

// groupFits reports why group, which is to be written with patch applied, could not have a config: patch
// lists what it may not, what is new in it takes ports of others, or the config would be too large. before is
// the group as it is, zero when it is new.
func (a *api) groupFits(ctx context.Context, before, group store.DeviceGroup, patch groupPatch) error {
	parts, err := snapshot.ReadParts(ctx, a.store, before, group)
	if err != nil {
		return err
	}
	return cmp.Or(
		patch.check(parts),
		parts.Unreadable(group),
		checkGroupPorts(group, parts, func(app string) bool { return !slices.Contains(before.Apps, app) }),
		checkGroupDependencies(before, group, parts),
		breaks(before, parts, group, parts),
	)
}

// breaks reports why a change leaves a device_group without a config. One that could have none before either,
// because another program wrote what no device could be told, does not keep anybody from changing what it lists,
// nor from repairing it step by step. was is zero when the device_group is new.
func breaks(was store.DeviceGroup, before snapshot.Parts, is store.DeviceGroup, after snapshot.Parts) error {
	err := snapshot.Fits(is, after)
	if err == nil || was.DeviceGroup == "" || snapshot.Fits(was, before) == nil {
		return err
	}
	return nil
}
