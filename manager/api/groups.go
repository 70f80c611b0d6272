package api

import (
	"net/http"

	"muster/manager/store"
)

// groups answers the calls about device_groups.
type groups struct{ documents[store.DeviceGroup] }

func (a *api) groups() groups {
	return groups{documents[store.DeviceGroup]{a, groupKind, a.store.DeviceGroups()}}
}

// info answers with the config as devices get it, byte for byte: a superset of Nebula's body.
func (g groups) info(r *http.Request) (int, any, error) {
	name := g.name(r)
	snapshot, err := g.configs.Current(r.Context(), name)
	if err != nil {
		return 0, nil, g.kind.about(name, err)
	}
	return http.StatusOK, verbatim(snapshot.Payload), nil
}

func (g groups) create(r *http.Request) (int, any, error) {
	name := g.name(r)
	if err := g.kind.invalid(name); err != nil {
		return 0, nil, err
	}
	patch, err := g.readPatch(r)
	if err != nil {
		return 0, nil, g.unlessTaken(r.Context(), name, err)
	}

	done, err := g.beginChange(r.Context())
	if err != nil {
		return 0, nil, err
	}
	defer done()
	group := store.DeviceGroup{DeviceGroup: name, DeviceGroupID: 1, PruneID: 1, Apps: []string{}, CronJobs: []string{}}
	patch.apply(&group)
	if err := g.groupFits(r.Context(), store.DeviceGroup{}, group, patch); err != nil {
		return 0, nil, g.unlessTaken(r.Context(), name, err)
	}
	return http.StatusOK, group, g.add(r, name, group)
}

// replace is the update by POST: a list that the body leaves out becomes empty.
func (g groups) replace(r *http.Request) (int, any, error) {
	return g.update(r, func(patch *groupPatch) error {
		if patch.apps == nil {
			patch.apps = []string{}
		}
		if patch.cronJobs == nil {
			patch.cronJobs = []string{}
		}
		return nil
	})
}

// modify is the update by PUT or PATCH: a list that the body leaves out stays as it is.
func (g groups) modify(r *http.Request) (int, any, error) {
	return g.update(r, func(patch *groupPatch) error {
		if patch.isEmpty() {
			return errNothingGiven
		}
		return nil
	})
}

// update applies the body, once complete has seen to what it leaves out, to the device_group that
// the path names and raises its device_group_id.
func (g groups) update(r *http.Request, complete func(*groupPatch) error) (int, any, error) {
	patch, err := g.readPatch(r)
	if err == nil {
		err = complete(&patch)
	}
	if err != nil {
		return 0, nil, g.ifThere(r, err)
	}

	done, err := g.beginChange(r.Context())
	if err != nil {
		return 0, nil, err
	}
	defer done()
	name := g.name(r)
	group, err := g.alter(r, "update", name, func(group *store.DeviceGroup) error {
		before := *group
		group.DeviceGroupID++
		patch.apply(group)
		return g.groupFits(r.Context(), before, *group, patch)
	})
	return http.StatusAccepted, group, g.kind.about(name, err)
}
