package snapshot

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"muster/manager/store"
	"muster/topics"
)

// Parts are documents that device_groups list.
type Parts struct {
	Apps     Listed[topics.App]
	CronJobs Listed[topics.CronJob]
}

// Listed are the documents of one kind that exist, by name. Those that make no sense are apart.
type Listed[T any] struct {
	Docs       map[string]T
	Unreadable map[string]error
}

// Has reports whether there is such a document, whether or not it makes sense.
func (l Listed[T]) Has(name string) bool {
	_, readable := l.Docs[name]
	return readable || l.Unreadable[name] != nil
}

// ReadParts reads what the groups list, as far as it exists. Documents that make no sense are no error.
func ReadParts(ctx context.Context, st store.Store, groups ...store.DeviceGroup) (p Parts, err error) {
	var apps, jobs []string
	for _, g := range groups {
		apps = append(apps, g.Apps...)
		jobs = append(jobs, g.CronJobs...)
	}
	if p.Apps, err = some(ctx, st.Apps(), apps, store.AppKind()); err != nil {
		return Parts{}, err
	}
	p.CronJobs, err = some(ctx, st.CronJobs(), jobs, store.CronJobKind())
	return p, err
}

func some[T any](ctx context.Context, from store.Documents[T], names []string, kind store.Kind[T]) (Listed[T], error) {
	if len(names) == 0 {
		return Listed[T]{}, nil
	}
	docs, err := from.Some(ctx, names)
	return listed(docs, err, kind)
}

// listed sorts what Some or All of the store returned.
func listed[T any](docs []T, err error, kind store.Kind[T]) (l Listed[T], _ error) {
	if l.Unreadable, err = apart(err); err != nil {
		return Listed[T]{}, err
	}
	l.Docs = make(map[string]T, len(docs))
	for _, doc := range docs {
		l.Docs[kind.Name(doc)] = doc
	}
	return l, nil
}

// apart tells an error about documents that make no sense, by name, from one of the store.
func apart(err error) (map[string]error, error) {
	if unreadable, ok := errors.AsType[*store.UnreadableError](err); ok {
		return unreadable.Docs, nil
	}
	return nil, err
}

// Unreadable reports which of what the group lists makes no sense, nil when all does. It wraps
// [store.UnreadableError].
func (p Parts) Unreadable(group store.DeviceGroup) error {
	apps := unreadable(group.Apps, p.Apps.Unreadable, store.AppKind().Singular)
	jobs := unreadable(group.CronJobs, p.CronJobs.Unreadable, store.CronJobKind().Singular)
	if apps != nil && jobs != nil {
		return fmt.Errorf("%w; %w", apps, jobs)
	}
	return cmp.Or(apps, jobs)
}

func unreadable(names []string, all map[string]error, kind string) error {
	if len(all) == 0 {
		return nil
	}
	docs := map[string]error{}
	for _, name := range names {
		if why := all[name]; why != nil {
			docs[name] = why
		}
	}
	if len(docs) == 0 {
		return nil
	}
	return &store.UnreadableError{Kind: kind, Docs: docs}
}

// present are those of the names that have a document, and the documents, in the same order.
func present[T any](names []string, docs map[string]T) ([]T, []string) {
	there, list := make([]T, 0, len(names)), make([]string, 0, len(names))
	for _, name := range names {
		if doc, exists := docs[name]; exists {
			there, list = append(there, doc), append(list, name)
		}
	}
	return there, list
}
