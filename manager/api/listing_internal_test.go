package api

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"muster/manager/store"
)

// someGroups are device_groups that another manager may change, and how often all were read.
type someGroups struct {
	store.Documents[store.DeviceGroup]
	all   []store.DeviceGroup
	reads int
}

func (g *someGroups) All(context.Context) ([]store.DeviceGroup, error) {
	g.reads++
	return g.all, nil
}

func TestListingIsReadAgainAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		groups := &someGroups{all: []store.DeviceGroup{{DeviceGroup: "g", Apps: []string{"a"}}}}
		l := &listing{groups: groups, maxAge: 10 * time.Second}
		check := func(app string, groupsWithIt, reads int) {
			t.Helper()
			with, err := l.withApp(t.Context(), app)
			if err != nil || len(with) != groupsWithIt || groups.reads != reads {
				t.Errorf("app %q: %v, %v after %d reads, want %d and %d", app, with, err, groups.reads, groupsWithIt, reads)
			}
		}
		check("a", 1, 1)
		check("b", 0, 1)
		groups.all = append(groups.all, store.DeviceGroup{DeviceGroup: "h", Apps: []string{"a", "b"}})
		time.Sleep(9 * time.Second)
		check("a", 1, 1)
		time.Sleep(time.Second)
		check("a", 2, 2)
		check("b", 1, 2)
		l.changed()
		check("b", 1, 3)
	})
}
