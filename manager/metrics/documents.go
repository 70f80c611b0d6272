package metrics

import (
	"context"
	"time"

	"muster/manager/store"
)

// documents measure those of one kind.
type documents[T any] struct {
	next store.Documents[T]
	kind string
	m    *Metrics
}

func measure[T any](m *Metrics, kind store.Kind[T], next store.Documents[T]) store.Documents[T] {
	return &documents[T]{next, kind.Singular, m}
}

func (d *documents[T]) Create(ctx context.Context, doc T) (err error) {
	defer d.m.observe(d.kind, "create", time.Now(), &err)
	return d.next.Create(ctx, doc)
}

func (d *documents[T]) Get(ctx context.Context, name string) (_ T, err error) {
	defer d.m.observe(d.kind, "get", time.Now(), &err)
	return d.next.Get(ctx, name)
}

func (d *documents[T]) Some(ctx context.Context, names []string) (_ []T, err error) {
	defer d.m.observe(d.kind, "some", time.Now(), &err)
	return d.next.Some(ctx, names)
}

func (d *documents[T]) All(ctx context.Context) (_ []T, err error) {
	defer d.m.observe(d.kind, "all", time.Now(), &err)
	return d.next.All(ctx)
}

func (d *documents[T]) Names(ctx context.Context) (_ []string, err error) {
	defer d.m.observe(d.kind, "names", time.Now(), &err)
	return d.next.Names(ctx)
}

func (d *documents[T]) Modify(ctx context.Context, name string, change func(*T) error) (T, error) {
	return modify(d.m, d.kind, change, func(change func(*T) error) (T, error) { return d.next.Modify(ctx, name, change) })
}

// modify counts what the store fails at, not what change refuses.
func modify[T any](m *Metrics, kind string, change func(*T) error, next func(func(*T) error) (T, error)) (T, error) {
	var refused, counted error
	defer m.observe(kind, "modify", time.Now(), &counted)
	doc, err := next(func(doc *T) error {
		refused = change(doc)
		return refused
	})
	if refused == nil {
		counted = err
	}
	return doc, err
}

func (d *documents[T]) Delete(ctx context.Context, name string) (err error) {
	defer d.m.observe(d.kind, "delete", time.Now(), &err)
	return d.next.Delete(ctx, name)
}
