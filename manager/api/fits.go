package api

import (
	"context"
	"fmt"
	"slices"

	"muster/manager/snapshot"
	"muster/manager/store"
	"muster/topics"
)

// appFits reports why a device_group that lists the app could not have a config with the app in it as it
// would be.
func (a *api) appFits(ctx context.Context, app topics.App) error {
	groups, err := a.store.DeviceGroups().All(ctx)
	if err != nil {
		return fmt.Errorf("device_groups: %w", err)
	}
	var apps map[string]topics.App
	for _, g := range groups {
		if !slices.Contains(g.Apps, app.AppName) {
			continue
		}
		if apps == nil {
			if apps, err = a.appsByName(ctx); err != nil {
				return err
			}
			apps[app.AppName] = app
		}
		if err := snapshot.Fits(g, apps); err != nil {
			return err
		}
	}
	return nil
}

// groupFits reports why group, which is to be written with patch applied, could not have a config: patch
// lists an app that it may not, or the config would be too large.
func (a *api) groupFits(ctx context.Context, group store.DeviceGroup, patch groupPatch) error {
	apps, err := a.appsByName(ctx)
	if err != nil {
		return err
	}
	if err := patch.check(apps); err != nil {
		return err
	}
	return snapshot.Fits(group, apps)
}

func (a *api) appsByName(ctx context.Context) (map[string]topics.App, error) {
	all, err := a.store.Apps().All(ctx)
	if err != nil {
		return nil, fmt.Errorf("apps: %w", err)
	}
	apps := make(map[string]topics.App, len(all))
	for _, app := range all {
		apps[app.AppName] = app
	}
	return apps, nil
}
