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
	return http.StatusOK, group, g.add(r, name, group)
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
	name := g.name(r)
	group, err := g.alter(r, "update", name, func(group *store.UserGroup) error {
		return patch.apply(userGroupFields(group))
	})
	return http.StatusOK, group, g.kind.about(name, err)
}
