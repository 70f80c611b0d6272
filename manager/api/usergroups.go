package api

import (
	"net/http"

	"muster/manager/store"
)

// userGroups answers the calls about user_groups.
type userGroups struct{ documents[store.UserGroup] }

func (a *api) userGroups() userGroups {
	return userGroups{documents[store.UserGroup]{a, userGroupKind, a.store.UserGroups()}}
}

func (g userGroups) create(r *http.Request) (int, any, error) {
	name := g.name(r)
	if err := g.mustBeNew(r.Context(), name); err != nil {
		return 0, nil, err
	}
	patch, err := readPatch(r, "user_group", "_id")
	if err != nil {
		return 0, nil, err
	}
	if patch.given == nil {
		return 0, nil, errNothingGiven
	}
	group := store.UserGroup{UserGroup: name}
	store.UserGroupKind().Fill(&group)
	if err := patch.apply(userGroupFields(&group)); err != nil {
		return 0, nil, err
	}
	if err := g.docs.Create(r.Context(), group); err != nil {
		return 0, nil, g.kind.about(name, err)
	}
	return http.StatusOK, group, g.changed(r, change{"create", g.kind, name, nil, group})
}

// modify changes the fields that the body gives; the others stay as they are.
func (g userGroups) modify(r *http.Request) (int, any, error) {
	if _, err := g.existing(r); err != nil {
		return 0, nil, err
	}
	patch, err := readPatch(r, "user_group", "_id")
	if err != nil {
		return 0, nil, err
	}
	if patch.isEmpty() {
		return 0, nil, errNothingGiven
	}
	var before store.UserGroup
	name := g.name(r)
	after, err := g.docs.Modify(r.Context(), name, func(group *store.UserGroup) error {
		before = *group
		return patch.apply(userGroupFields(group))
	})
	if err != nil {
		return 0, nil, g.kind.about(name, err)
	}
	return http.StatusOK, after, g.changed(r, change{"update", g.kind, name, before, after})
}
