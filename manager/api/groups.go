package api

import (
	"errors"
	"net/http"

	"muster/manager/store"
)

func (a *api) listGroups(r *http.Request) (int, any, error) {
	names, err := a.store.DeviceGroups().Names(r.Context())
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string][]string{"device_groups": append([]string{}, names...)}, nil
}

func (a *api) getGroup(r *http.Request) (int, any, error) {
	group, err := a.existingGroup(r)
	return http.StatusOK, group, err
}

// existingGroup is the device_group that the path names.
func (a *api) existingGroup(r *http.Request) (store.DeviceGroup, error) {
	name := pathName(r, "group")
	group, err := a.store.DeviceGroups().Get(r.Context(), name)
	return group, groupKind.about(name, err)
}

// getInfo answers with the config as devices get it, byte for byte: a superset of Nebula's body.
func (a *api) getInfo(r *http.Request) (int, any, error) {
	name := pathName(r, "group")
	snapshot, err := a.configs.Current(r.Context(), name)
	if err != nil {
		return 0, nil, groupKind.about(name, err)
	}
	return http.StatusOK, verbatim(snapshot.Payload), nil
}

func (a *api) createGroup(r *http.Request) (int, any, error) {
	name := pathName(r, "group")
	if err := groupKind.invalid(name); err != nil {
		return 0, nil, err
	}
	// Whether it exists comes before what is wrong with the body, as with Nebula.
	if _, err := a.store.DeviceGroups().Get(r.Context(), name); err == nil {
		return 0, nil, groupKind.about(name, store.ErrExists)
	} else if !errors.Is(err, store.ErrNotFound) {
		return 0, nil, groupKind.about(name, err)
	}
	patch, err := readGroupPatch(r)
	if err != nil {
		return 0, nil, err
	}

	done, err := a.beginChange(r.Context())
	if err != nil {
		return 0, nil, err
	}
	defer done()
	group := store.DeviceGroup{DeviceGroup: name, DeviceGroupID: 1, PruneID: 1, Apps: []string{}, CronJobs: []string{}}
	patch.apply(&group)
	if err := a.groupFits(r.Context(), group, patch); err != nil {
		return 0, nil, err
	}
	if err := a.store.DeviceGroups().Create(r.Context(), group); err != nil {
		return 0, nil, groupKind.about(name, err)
	}
	return http.StatusOK, group, a.changed(r, change{"create", groupKind, name, nil, group})
}

func (a *api) deleteGroup(r *http.Request) (int, any, error) {
	group, err := a.existingGroup(r)
	if err != nil {
		return 0, nil, err
	}
	if err := a.store.DeviceGroups().Delete(r.Context(), group.DeviceGroup); err != nil {
		return 0, nil, groupKind.about(group.DeviceGroup, err)
	}
	return http.StatusOK, struct{}{}, a.changed(r, change{"delete", groupKind, group.DeviceGroup, group, nil})
}

// replaceGroup is the update by POST: a list that the body leaves out becomes empty.
func (a *api) replaceGroup(r *http.Request) (int, any, error) {
	return a.changeGroup(r, func(patch *groupPatch) error {
		if patch.apps == nil {
			patch.apps = []string{}
		}
		if patch.cronJobs == nil {
			patch.cronJobs = []string{}
		}
		return nil
	})
}

// updateGroup is the update by PUT or PATCH: a list that the body leaves out stays as it is.
func (a *api) updateGroup(r *http.Request) (int, any, error) {
	return a.changeGroup(r, func(patch *groupPatch) error {
		if patch.isEmpty() {
			return errNothingGiven
		}
		return nil
	})
}

// changeGroup applies the body, once complete has seen to what it leaves out, to the device_group that
// the path names and raises its device_group_id.
func (a *api) changeGroup(r *http.Request, complete func(*groupPatch) error) (int, any, error) {
	if _, err := a.existingGroup(r); err != nil {
		return 0, nil, err
	}
	patch, err := readGroupPatch(r)
	if err != nil {
		return 0, nil, err
	}
	if err := complete(&patch); err != nil {
		return 0, nil, err
	}

	var before store.DeviceGroup
	alter := func(g *store.DeviceGroup) {
		before = *g
		g.DeviceGroupID++
		patch.apply(g)
	}
	done, err := a.beginChange(r.Context())
	if err != nil {
		return 0, nil, err
	}
	defer done()
	group, err := a.existingGroup(r)
	if err != nil {
		return 0, nil, err
	}
	alter(&group)
	if err := a.groupFits(r.Context(), group, patch); err != nil {
		return 0, nil, err
	}
	group, err = a.store.DeviceGroups().Modify(r.Context(), group.DeviceGroup, func(g *store.DeviceGroup) error {
		alter(g)
		return nil
	})
	if err != nil {
		return 0, nil, groupKind.about(pathName(r, "group"), err)
	}
	return http.StatusAccepted, group, a.changed(r, change{"update", groupKind, group.DeviceGroup, before, group})
}
