package snapshot

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"muster/manager/store"
)

// maxAuthors is how many names a snapshot bears at most.
const maxAuthors = 8

// authors remembers who has changed which documents, until every config that lists them has been made since.
type authors struct {
	mu      sync.Mutex
	changes map[document][]authored
}

// A document is one app, cron_job or device_group.
type document struct{ kind, name string }

// An authored is a change with its author. number is that of memory.changes.
type authored struct {
	number uint64
	by     string
}

// add notes a change. number gives its number: with mu held, so that whoever looks at the documents after it also
// finds its author.
func (a *authors) add(d document, by string, number func() uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.changes[d] = append(a.changes[d], authored{number(), by})
}

// of names those who have changed the group, or something it lists, since the change with that number; the
// first one first.
func (a *authors) of(group store.DeviceGroup, since uint64) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	found := slices.Clone(a.changes[document{store.DeviceGroupKind().Singular, group.DeviceGroup}])
	for _, name := range group.Apps {
		found = append(found, a.changes[document{store.AppKind().Singular, name}]...)
	}
	for _, name := range group.CronJobs {
		found = append(found, a.changes[document{store.CronJobKind().Singular, name}]...)
	}
	slices.SortFunc(found, func(x, y authored) int { return cmp.Compare(x.number, y.number) })
	var names []string
	for _, f := range found {
		if f.number > since && f.by != "" && len(names) < maxAuthors && !slices.Contains(names, f.by) {
			names = append(names, f.by)
		}
	}
	return strings.Join(names, ", ")
}

// forget drops the changes up to that number.
func (a *authors) forget(upTo uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for d, changes := range a.changes {
		changes = slices.DeleteFunc(changes, func(c authored) bool { return c.number <= upTo })
		if len(changes) == 0 {
			delete(a.changes, d)
		} else {
			a.changes[d] = changes
		}
	}
}
