package snapshot

import (
	"reflect"
	"slices"

	"muster/manager/store"
)

// digests are those of the contents that a scan has seen. The next scan takes over what it need not
// compute again, which is nearly all of them: encoding ten thousand contents takes seconds. They are not
// altered once they are made.
type digests struct {
	parts  Parts
	groups map[string]digested
}

type digested struct {
	group  store.DeviceGroup
	digest string
}

// changes are the names of the parts that are not what they were.
type changes struct{ apps, cronJobs map[string]bool }

func (d *digests) changed(parts Parts) changes {
	return changes{
		apps:     changed(d.parts.Apps.Docs, parts.Apps.Docs),
		cronJobs: changed(d.parts.CronJobs.Docs, parts.CronJobs.Docs),
	}
}

func changed[T any](before, now map[string]T) map[string]bool {
	changed := map[string]bool{}
	for name, doc := range now {
		if was, existed := before[name]; !existed || !reflect.DeepEqual(was, doc) {
			changed[name] = true
		}
	}
	for name := range before {
		if _, exists := now[name]; !exists {
			changed[name] = true
		}
	}
	return changed
}

// of is the digest of a group's content, when neither the group nor anything that it lists has changed.
func (d *digests) of(group store.DeviceGroup, changed changes) (digest string, known bool) {
	before, known := d.groups[group.DeviceGroup]
	if !known ||
		before.group.DeviceGroupID != group.DeviceGroupID ||
		before.group.PruneID != group.PruneID ||
		!slices.Equal(before.group.Apps, group.Apps) ||
		!slices.Equal(before.group.CronJobs, group.CronJobs) ||
		slices.ContainsFunc(group.Apps, func(name string) bool { return changed.apps[name] }) ||
		slices.ContainsFunc(group.CronJobs, func(name string) bool { return changed.cronJobs[name] }) {
		return "", false
	}
	return before.digest, true
}
