package api

import (
	"context"
	"errors"
	"net/http"

	"muster/manager/store"
)

// documents answers the calls that all kinds of documents have alike.
type documents[T any] struct {
	*api
	kind kind
	docs store.Documents[T]
}

func (d documents[T]) list(r *http.Request) (int, any, error) {
	names, err := d.docs.Names(r.Context())
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string][]string{d.kind.plural: append([]string{}, names...)}, nil
}

func (d documents[T]) get(r *http.Request) (int, any, error) {
	doc, err := d.existing(r)
	return http.StatusOK, doc, err
}

// name is the name that the path has for a document of the kind.
func (d documents[T]) name(r *http.Request) string { return pathName(r, d.kind.param) }

// existing is the document that the path names.
func (d documents[T]) existing(r *http.Request) (T, error) {
	name := d.name(r)
	doc, err := d.docs.Get(r.Context(), name)
	return doc, d.kind.about(name, err)
}

// mustBeNew reports why no document of that name can be created. Whether it exists comes before what is
// wrong with the body, as with Nebula.
func (d documents[T]) mustBeNew(ctx context.Context, name string) error {
	if err := d.kind.invalid(name); err != nil {
		return err
	}
	_, err := d.docs.Get(ctx, name)
	var unreadable *store.UnreadableError
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err == nil || errors.As(err, &unreadable):
		return d.kind.about(name, store.ErrExists)
	}
	return err
}

// add, alter and delete are all that writes documents: no change is missed by those who must be told of it.

// add writes a new document.
func (d documents[T]) add(r *http.Request, name string, doc T) error {
	if err := d.docs.Create(r.Context(), doc); err != nil {
		return d.kind.about(name, err)
	}
	return d.changed(r, change{"create", d.kind, name, nil, doc})
}

// alter writes what the function, which may be called more than once, makes of a document. An error of the store is
// returned as it is: what it means to the client is up to [kind.about].
func (d documents[T]) alter(r *http.Request, action, name string, alter func(*T) error) (T, error) {
	var before T
	after, err := d.docs.Modify(r.Context(), name, func(doc *T) error {
		before = *doc
		return alter(doc)
	})
	if err != nil {
		return after, err
	}
	return after, d.changed(r, change{action, d.kind, name, before, after})
}

// unlessTaken returns err, which is about a document to be created, unless none of that name can be: that comes
// first. What creates it finds out by itself, so that nobody need ask before.
func (d documents[T]) unlessTaken(ctx context.Context, name string, err error) error {
	if taken := d.mustBeNew(ctx, name); taken != nil {
		return taken
	}
	return err
}

// ifThere is unlessTaken for a change: that there is no such document comes before what is wrong with the body.
func (d documents[T]) ifThere(r *http.Request, err error) error {
	if _, missing := d.existing(r); missing != nil {
		return missing
	}
	return err
}

// delete removes the document that the path names, one that makes no sense too: that is how to be rid of it.
func (d documents[T]) delete(r *http.Request) (int, any, error) {
	var before any
	doc, err := d.existing(r)
	var unreadable *store.UnreadableError
	switch {
	case err == nil:
		before = doc
	case !errors.As(err, &unreadable):
		return 0, nil, err
	}
	name := d.name(r)
	if err := d.docs.Delete(r.Context(), name); err != nil {
		return 0, nil, d.kind.about(name, err)
	}
	return http.StatusOK, struct{}{}, d.changed(r, change{"delete", d.kind, name, before, nil})
}
