package storetest

import (
	"errors"
	"strings"

	"github.com/google/go-cmp/cmp"

	"muster/manager/store"
)

// testUnwritable offers documents that could not be read back.
func testUnwritable[T any](r rig, k kind[T]) {
	docs := k.of(r.handle())
	r.must(docs.Create(r.ctx, k.make("good", 1)))
	if err := docs.Create(r.ctx, k.make("not UTF-8 \xff", 1)); err == nil {
		r.Error("create: a name that cannot be read was accepted")
	}
	if k.unwritable != nil {
		if err := docs.Create(r.ctx, *k.unwritable); err == nil {
			r.Error("create: a document that cannot be read was accepted")
		}
		_, err := docs.Modify(r.ctx, "good", func(doc *T) error {
			*doc = *k.unwritable
			k.rename(doc, "good")
			return nil
		})
		if err == nil {
			r.Error("modify: a document that cannot be read was accepted")
		}
	}
	all, err := docs.All(r.ctx)
	r.must(err)
	if len(all) != 1 || k.count(all[0]) != 1 {
		r.Errorf("got %v, want the one good document", all)
	}
}

// testUnreadable has documents that another program wrote beside good ones.
func testUnreadable[T any](r rig, k kind[T]) {
	docs := k.of(r.handle())
	plant := func(name string) {
		r.must(r.Plant(r.ctx, k.Plural, name, strings.ReplaceAll(k.nonsense, "NAME", name)))
	}
	r.must(docs.Create(r.ctx, k.make("b", 1)))
	plant("a")
	r.must(docs.Create(r.ctx, k.make("d", 2)))
	plant("c")
	plant("e")

	// check looks for the good documents in order, and the bad ones in the error.
	check := func(what string, got []T, err error, good, bad []string) {
		r.Helper()
		names := []string{}
		for _, doc := range got {
			names = append(names, k.Name(doc))
		}
		if diff := cmp.Diff(good, names); diff != "" {
			r.Errorf("%s: documents (-want +got):\n%s", what, diff)
		}
		k.checkUnreadable(r, what, err, bad...)
	}
	all, err := docs.All(r.ctx)
	check("all", all, err, []string{"b", "d"}, []string{"a", "c", "e"})
	some, err := docs.Some(r.ctx, []string{"e", "d", "none", "a", "e"})
	check("some", some, err, []string{"d"}, []string{"a", "e"})
	some, err = docs.Some(r.ctx, []string{"d", "b"})
	check("some that are good", some, err, []string{"b", "d"}, nil)
	some, err = docs.Some(r.ctx, []string{"c"})
	check("some that is bad", some, err, []string{}, []string{"c"})
	names, err := docs.Names(r.ctx)
	r.must(err)
	if diff := cmp.Diff([]string{"a", "b", "c", "d", "e"}, names); diff != "" {
		r.Errorf("names (-want +got):\n%s", diff)
	}

	if _, err := docs.Get(r.ctx, "b"); err != nil {
		r.Errorf("get of a good one: %v", err)
	}
	_, err = docs.Modify(r.ctx, "b", func(doc *T) error { k.add(doc); return nil })
	r.must(err)
	called := false
	_, err = docs.Modify(r.ctx, "a", func(*T) error { called = true; return nil })
	k.checkUnreadable(r, "modify", err, "a")
	if called {
		r.Error("modify of a bad one called change")
	}
	if err := docs.Create(r.ctx, k.make("a", 1)); !errors.Is(err, store.ErrExists) {
		r.Errorf("create over a bad one: got %v, want ErrExists", err)
	}
	_, err = docs.Get(r.ctx, "a")
	k.checkUnreadable(r, "get after that", err, "a")

	for _, name := range []string{"a", "c", "e"} {
		r.must(docs.Delete(r.ctx, name))
	}
	if _, err := docs.Get(r.ctx, "a"); !errors.Is(err, store.ErrNotFound) {
		r.Errorf("get of a deleted one: got %v, want ErrNotFound", err)
	}
	all, err = docs.All(r.ctx)
	check("all once the bad ones are gone", all, err, []string{"b", "d"}, nil)
}

// checkUnreadable looks for exactly these documents in an error.
func (k kind[T]) checkUnreadable(r rig, what string, err error, names ...string) {
	r.Helper()
	if len(names) == 0 {
		if err != nil {
			r.Errorf("%s: got %v, want no error", what, err)
		}
		return
	}
	unreadable, ok := errors.AsType[*store.UnreadableError](err)
	if !ok {
		r.Errorf("%s: got %v, want an UnreadableError", what, err)
		return
	}
	if unreadable.Kind != k.Singular || len(unreadable.Docs) != len(names) {
		r.Errorf("%s: got %s %v, want %s %q", what, unreadable.Kind, unreadable.Docs, k.Singular, names)
	}
	for _, name := range names {
		if unreadable.Docs[name] == nil {
			r.Errorf("%s: nothing is said about %q: %v", what, name, err)
		}
	}
	if errors.Is(err, store.ErrNotFound) {
		r.Errorf("%s: it is said not to be there: %v", what, err)
	}
}
