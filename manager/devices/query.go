package devices

import (
	"unique"

	"github.com/google/btree"

	"muster/manager/fleet"
	"muster/manager/store"
	"muster/topics"
)

// A Query selects devices. Its zero value selects all.
type Query struct {
	// Group, Phase and FailingApp are what a device must have, unless empty; Phase is that of [fleet.Device].
	Group, Phase, FailingApp string
	// Online, Behind and Failing are what it must be, unless nil.
	Online, Behind, Failing *bool
	// Pending is whether it waits for an admin to let it in, unless nil.
	Pending *bool
	// Labels are what it must have, all of them.
	Labels []LabelQuery
	// May reports whether whoever asks may see the devices of a group; nil is all.
	May func(group string) bool
}

// A LabelQuery is a label that a device must have, with any value when that is nil.
type LabelQuery struct {
	Key   string
	Value *string
}

// byGroup reports whether q selects whole groups.
func (q *Query) byGroup() bool {
	return q.Phase == "" && q.FailingApp == "" && q.Online == nil && q.Behind == nil && q.Failing == nil && q.Pending == nil && len(q.Labels) == 0
}

func (q *Query) may(group string) bool {
	return (q.Group == "" || q.Group == group) && (q.May == nil || q.May(group))
}

// selects reports whether the device of a group that q may select is among what it selects.
func (q *Query) selects(r *record, wanted topics.Version) bool {
	is := func(want *bool, value bool) bool { return want == nil || *want == value }
	if !is(q.Online, r.online) || !is(q.Behind, r.behind(wanted)) || !is(q.Failing, len(r.failing) > 0) || !is(q.Pending, r.identity.state() == store.IdentityPending) ||
		q.Phase != "" && q.Phase != r.phaseAt(wanted) || q.FailingApp != "" && !r.fails(q.FailingApp) {
		return false
	}
	for _, l := range q.Labels {
		if !r.has(l.Key, l.Value) {
			return false
		}
	}
	return true
}

// List is the devices that q selects, in ascending order, those after the given name, at most limit; with count also how many of
// what sort there are in all. It looks at what is in memory only.
func (f *Fleet) List(q Query, after string, limit int, count bool) fleet.Page {
	page := fleet.Page{Devices: []fleet.Device{}}
	w := walk{query: &q, groups: make(map[unique.Handle[string]]wish), latest: f.latest}
	whole := count && q.byGroup()
	if count {
		page.Counts = &fleet.Counts{}
	}
	var from string
	if !count || whole {
		from = after // which itself is left out below
	}
	for more := true; more; {
		f.mu.RLock()
		from, more = w.stride(f.order(q.Group), from, func(r *record, wanted topics.Version) bool {
			if count && !whole {
				page.Counts.Add(one(r, wanted))
			}
			if r.name <= after && after != "" {
				return true
			}
			if len(page.Devices) == limit {
				if page.Next == nil {
					page.Next = &page.Devices[limit-1].Device
				}
				return count && !whole
			}
			d := r.show(wanted)
			d.Pulls = f.pulls.of(r.name)
			page.Devices = append(page.Devices, d)
			return true
		})
		f.mu.RUnlock()
	}
	if whole {
		for group, n := range f.GroupCounts() {
			if q.may(group) {
				page.Counts.Add(n)
			}
		}
	}
	return page
}

// order is all devices in order, or those of a group; nil when there is none. It is called with mu held.
func (f *Fleet) order(group string) *btree.BTreeG[*record] {
	if group == "" {
		return f.census.order
	}
	if g, ok := f.census.groups[unique.Make(group)]; ok {
		return g.order
	}
	return nil
}

// lookAtOnce is how many devices are looked at before others have their turn: about a millisecond.
const lookAtOnce = 4096

// A walk goes through devices in strides.
type walk struct {
	query  *Query
	latest func(group string) topics.Version
	groups map[unique.Handle[string]]wish
}

// A wish is what is wanted of a group's devices, and whether the query may select them.
type wish struct {
	wanted topics.Version
	may    bool
}

// stride visits those that are selected, from that name on, until visit returns false or it has looked at enough. It returns where to
// go on, and whether there may be more.
func (w *walk) stride(order *btree.BTreeG[*record], from string, visit func(*record, topics.Version) bool) (next string, more bool) {
	if order == nil {
		return "", false
	}
	looked := 0
	order.AscendGreaterOrEqual(&record{name: from}, func(r *record) bool {
		if looked == lookAtOnce {
			next, more = r.name, true
			return false
		}
		looked++
		wish := w.wish(r.group)
		return !wish.may || !w.query.selects(r, wish.wanted) || visit(r, wish.wanted)
	})
	return next, more
}

func (w *walk) wish(group unique.Handle[string]) wish {
	known, ok := w.groups[group]
	if !ok {
		known = wish{w.latest(group.Value()), w.query.may(group.Value())}
		w.groups[group] = known
	}
	return known
}
