package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// missing finds device_groups that list what neither the files nor the manager have, or what prune would delete. A
// manager would refuse them when other things have been changed already, or delete what they still list.
func (m *maker) missing(ctx context.Context, prune bool) error {
	groups := m.fleet.sections["device_group"]
	for _, k := range kinds[:2] {
		var listed []listing
		for _, name := range slices.Sorted(maps.Keys(groups)) {
			listed = append(listed, listings(groups[name], name, k.plural())...)
		}
		objects, named := m.fleet.sections[k.word]
		for _, l := range listed {
			if _, ok := objects[l.object]; ok {
				continue
			}
			there, err := m.names(ctx, k)
			if err != nil {
				return err
			}
			_, exists := slices.BinarySearch(there, l.object)
			why := "does not exist and is in no file"
			switch {
			case exists && prune && named:
				why = "is in no file, so that it would be deleted"
			case exists, m.stays[l.group][k.plural()]:
				continue
			}
			m.mistakes = append(m.mistakes, fmt.Errorf("%s: device_group %q: %s: %q %s", l.from, l.group, k.plural(), l.object, why))
		}
	}
	return nil
}

// A listing is an app or cron_job that a device_group lists.
type listing struct{ group, object, from string }

func listings(group object, name, field string) []listing {
	var lists map[string]json.RawMessage
	var names []string
	if json.Unmarshal(group.fields, &lists) != nil || lists[field] == nil || json.Unmarshal(lists[field], &names) != nil {
		return nil // it lists none, or is a mistake that is told already
	}
	all := make([]listing, len(names))
	for i, object := range names {
		all[i] = listing{name, object, group.from}
	}
	return all
}
