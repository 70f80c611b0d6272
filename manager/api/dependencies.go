package api

import (
	"context"
	"errors"
	"slices"
	"strings"

	"muster/manager/snapshot"
	"muster/manager/store"
	"muster/topics"
)

// canDependOn reports why an app cannot depend on those apps that it did not depend on before: there is none of that
// name, or it depends on this one itself, directly or not. Whether device_groups list them is not asked: they
// may be about to.
func (a *api) canDependOn(ctx context.Context, app topics.App, before []string) error {
	added := slices.DeleteFunc(slices.Clone(app.DependsOn), func(name string) bool { return slices.Contains(before, name) })
	// paths leads to each app that was found, from this one on.
	paths := map[string][]string{}
	for _, name := range added {
		paths[name] = []string{app.AppName, name}
	}
	for asked, next := added, []string(nil); len(asked) > 0; asked, next = next, nil {
		found, err := a.store.Apps().Some(ctx, asked)
		var unreadable *store.UnreadableError
		if err != nil && !errors.As(err, &unreadable) {
			return err
		}
		for _, name := range added {
			there := slices.ContainsFunc(found, func(other topics.App) bool { return other.AppName == name })
			if !there && (unreadable == nil || unreadable.Docs[name] == nil) {
				return fieldErrorf("depends_on", "there is no app %q", name)
			}
		}
		added = nil // of those further on nobody speaks here
		for _, other := range found {
			for _, name := range other.DependsOn {
				if name == app.AppName {
					return fieldErrorf("depends_on", "would go round in a circle: %s", strings.Join(append(paths[other.AppName], name), " → "))
				}
				if paths[name] == nil {
					paths[name] = append(slices.Clone(paths[other.AppName]), name)
					next = append(next, name)
				}
			}
		}
	}
	return nil
}

// checkGroupDependencies reports an app that the device_group lists without one that it depends on. What is missing
// already keeps nobody from changing something else.
func checkGroupDependencies(was, is store.DeviceGroup, parts snapshot.Parts) error {
	missing := func(g store.DeviceGroup, app, other string) bool {
		return slices.Contains(g.Apps, app) && !slices.Contains(g.Apps, other)
	}
	for _, app := range is.Apps {
		for _, other := range parts.Apps.Docs[app].DependsOn {
			if missing(is, app, other) && !missing(was, app, other) {
				return fieldErrorf("depends_on", "the app %q depends on %q, which device_group %q would not list", app, other, is.DeviceGroup)
			}
		}
	}
	return nil
}
