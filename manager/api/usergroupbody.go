package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"muster/manager/store"
)

// userGroupFields are the fields of a user_group that a client may set, in the order in which they are checked.
var userGroupFields = []struct {
	name string
	set  func(*store.UserGroup, value) error
}{
	{"group_members", setMembers},
	{"pruning_allowed", func(g *store.UserGroup, v value) error { return v.bool(&g.PruningAllowed) }},
	{"apps", func(g *store.UserGroup, v value) error { return v.rights(&g.Apps) }},
	{"device_groups", func(g *store.UserGroup, v value) error { return v.rights(&g.DeviceGroups) }},
	{"cron_jobs", func(g *store.UserGroup, v value) error { return v.rights(&g.CronJobs) }},
	{"admin", func(g *store.UserGroup, v value) error { return v.bool(&g.Admin) }},
}

func setMembers(g *store.UserGroup, v value) error {
	var members []string
	if err := v.strings(&members); err != nil {
		return err
	}
	listed := make(map[string]bool, len(members))
	for _, name := range members {
		if listed[name] {
			return fieldErrorf(v.field, "%q is listed twice", name)
		}
		listed[name] = true
	}
	g.GroupMembers = members
	return nil
}

// rights decodes a dict of names and rights. It never gives nil.
func (v value) rights(into *map[string]store.Right) error {
	const want = `a dict of names and "ro" or "rw"`
	var given map[string]json.RawMessage
	if v.isNull() || json.Unmarshal(v.raw, &given) != nil {
		return v.wrongType(want)
	}
	rights := make(map[string]store.Right, len(given))
	for _, name := range slices.Sorted(maps.Keys(given)) {
		one := value{v.field + "." + name, given[name]}
		var right string
		if err := one.string(&right); err != nil {
			return err
		}
		if r := store.Right(right); r == store.ReadOnly || r == store.ReadWrite {
			rights[name] = r
			continue
		}
		return fieldErrorf(one.field, `must be "ro" or "rw", is %.80q`, right)
	}
	*into = rights
	return nil
}

// A userGroupPatch is what a request body says about a user_group.
type userGroupPatch struct{ fields object }

// readUserGroupPatch reads the body of a request. Its fields are nil when the body is missing.
func readUserGroupPatch(r *http.Request) (userGroupPatch, error) {
	fields, err := readObject(r)
	if err != nil {
		return userGroupPatch{}, err
	}
	fields.drop("user_group", "_id")
	return userGroupPatch{fields}, nil
}

// apply sets the fields of g that the body gives.
func (p userGroupPatch) apply(g *store.UserGroup) error {
	known := make([]string, len(userGroupFields))
	for i, f := range userGroupFields {
		known[i] = f.name
	}
	if err := p.fields.refuseUnknown(known...); err != nil {
		return err
	}
	for _, f := range userGroupFields {
		if raw, ok := p.fields[f.name]; ok {
			if err := f.set(g, value{f.name, raw}); err != nil {
				return err
			}
		}
	}
	return nil
}
