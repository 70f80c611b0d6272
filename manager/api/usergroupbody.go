package api

import (
	"encoding/json"
	"maps"
	"slices"

	"muster/manager/store"
)

// userGroupFields are the fields of a user_group that a client may set, in the order in which they are checked.
func userGroupFields(g *store.UserGroup) []field {
	return []field{
		{"group_members", func(v value) error { return v.members(&g.GroupMembers) }},
		{"pruning_allowed", func(v value) error { return v.bool(&g.PruningAllowed) }},
		{"apps", func(v value) error { return v.rights(&g.Apps) }},
		{"device_groups", func(v value) error { return v.rights(&g.DeviceGroups) }},
		{"cron_jobs", func(v value) error { return v.rights(&g.CronJobs) }},
		{"admin", func(v value) error { return v.bool(&g.Admin) }},
	}
}

// members decodes a list of different names.
func (v value) members(into *[]string) error {
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
	*into = members
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
