package snapshot

import (
	"reflect"
	"slices"

	"muster/manager/store"
	"muster/topics"
)

// digests are those of the contents that a scan has seen. The next scan takes over what it need not
// compute again, which is nearly all of them: encoding ten thousand contents takes seconds. They are not
// altered once they are made.
type digests struct {
	apps   map[string]topics.App
	groups map[string]digested
}

type digested struct {
	group  store.DeviceGroup
	digest string
}

// changed lists the apps that are not what they were.
func (d *digests) changed(apps map[string]topics.App) map[string]bool {
	changed := map[string]bool{}
	for name, app := range apps {
		if before, existed := d.apps[name]; !existed || !reflect.DeepEqual(before, app) {
			changed[name] = true
		}
	}
	for name := range d.apps {
		if _, exists := apps[name]; !exists {
			changed[name] = true
		}
	}
	return changed
}

// of is the digest of a group's content, when neither the group nor one of its apps has changed.
func (d *digests) of(group store.DeviceGroup, changed map[string]bool) (digest string, known bool) {
	before, known := d.groups[group.DeviceGroup]
	if !known ||
		before.group.DeviceGroupID != group.DeviceGroupID ||
		before.group.PruneID != group.PruneID ||
		!slices.Equal(before.group.Apps, group.Apps) ||
		slices.ContainsFunc(group.Apps, func(app string) bool { return changed[app] }) {
		return "", false
	}
	return before.digest, true
}
