package api

import (
	"errors"
	"net/http"

	"muster/manager/store"
)

func (a *api) listUserGroups(r *http.Request) (int, any, error) {
	names, err := a.store.UserGroups().Names(r.Context())
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string][]string{"user_groups": append([]string{}, names...)}, nil
}

func (a *api) getUserGroup(r *http.Request) (int, any, error) {
	group, err := a.existingUserGroup(r)
	return http.StatusOK, group, err
}

// existingUserGroup is the user_group that the path names.
func (a *api) existingUserGroup(r *http.Request) (store.UserGroup, error) {
	name := pathName(r, "user_group")
	group, err := a.store.UserGroups().Get(r.Context(), name)
	return group, userGroupKind.about(name, err)
}

func (a *api) createUserGroup(r *http.Request) (int, any, error) {
	name := pathName(r, "user_group")
	if err := userGroupKind.invalid(name); err != nil {
		return 0, nil, err
	}
	if _, err := a.store.UserGroups().Get(r.Context(), name); !errors.Is(err, store.ErrNotFound) {
		return 0, nil, userGroupKind.about(name, orExists(err))
	}
	patch, err := readUserGroupPatch(r)
	if err != nil {
		return 0, nil, err
	}
	if patch.fields == nil {
		return 0, nil, errNothingGiven
	}
	group := store.UserGroup{
		UserGroup: name, GroupMembers: []string{},
		Apps: map[string]store.Right{}, DeviceGroups: map[string]store.Right{}, CronJobs: map[string]store.Right{},
	}
	if err := patch.apply(&group); err != nil {
		return 0, nil, err
	}
	defer a.auth.Invalidate() // also when it cannot be told whether it was written
	if err := a.store.UserGroups().Create(r.Context(), group); err != nil {
		return 0, nil, userGroupKind.about(name, err)
	}
	return http.StatusOK, group, a.changed(r, change{"create", userGroupKind, name, nil, group})
}

func (a *api) deleteUserGroup(r *http.Request) (int, any, error) {
	group, err := a.existingUserGroup(r)
	if err != nil {
		return 0, nil, err
	}
	defer a.auth.Invalidate()
	if err := a.store.UserGroups().Delete(r.Context(), group.UserGroup); err != nil {
		return 0, nil, userGroupKind.about(group.UserGroup, err)
	}
	return http.StatusOK, struct{}{}, a.changed(r, change{"delete", userGroupKind, group.UserGroup, group, nil})
}

// updateUserGroup changes the fields that the body gives; the others stay as they are.
func (a *api) updateUserGroup(r *http.Request) (int, any, error) {
	group, err := a.existingUserGroup(r)
	if err != nil {
		return 0, nil, err
	}
	patch, err := readUserGroupPatch(r)
	if err != nil {
		return 0, nil, err
	}
	if len(patch.fields) == 0 {
		return 0, nil, errNothingGiven
	}
	name := group.UserGroup
	var before store.UserGroup
	defer a.auth.Invalidate()
	group, err = a.store.UserGroups().Modify(r.Context(), name, func(g *store.UserGroup) error {
		before = *g
		return patch.apply(g)
	})
	if err != nil {
		return 0, nil, userGroupKind.about(name, err)
	}
	return http.StatusOK, group, a.changed(r, change{"update", userGroupKind, name, before, group})
}
