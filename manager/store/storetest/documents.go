package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"muster/manager/store"
)

// documents runs the suite for one kind.
func documents[T any](t *testing.T, fresh func(t *testing.T) Backend, k kind[T]) {
	for name, test := range map[string]func(rig, kind[T]){
		"create":                   testCreate[T],
		"missing":                  testMissing[T],
		"delete":                   testDelete[T],
		"order":                    testOrder[T],
		"round trips":              testRoundTrips[T],
		"some":                     testSome[T],
		"unwritable":               testUnwritable[T],
		"unreadable":               testUnreadable[T],
		"modify":                   testModify[T],
		"modify refused":           testModifyRefused[T],
		"modify may use the store": testModifyNested[T],
		"modify loses nothing":     testModifyTogether[T],
		"create together":          testCreateTogether[T],
		"cancelled":                testCancelled[T],
	} {
		t.Run(name, func(t *testing.T) { test(setUp(t, fresh), k) })
	}
}

func testCreate[T any](r rig, k kind[T]) {
	docs := k.of(r.handle())
	r.must(docs.Create(r.ctx, k.make("a", 1)))
	if err := docs.Create(r.ctx, k.make("a", 2)); !errors.Is(err, store.ErrExists) {
		r.Errorf("create again: got %v, want ErrExists", err)
	}
	if got, err := docs.Get(r.ctx, "a"); err != nil || k.count(got) != 1 {
		r.Errorf("after a refused create: got %v, %v, want the first document", got, err)
	}
}

func testMissing[T any](r rig, k kind[T]) {
	docs := k.of(r.handle())
	r.must(docs.Create(r.ctx, k.make("a", 1)))
	for _, name := range []string{"A", "b", "", "a ", "a\x00", "%", "_", "' OR 1=1 --"} {
		if _, err := docs.Get(r.ctx, name); !errors.Is(err, store.ErrNotFound) {
			r.Errorf("get %q: got %v, want ErrNotFound", name, err)
		}
		called := false
		_, err := docs.Modify(r.ctx, name, func(*T) error { called = true; return nil })
		if !errors.Is(err, store.ErrNotFound) || called {
			r.Errorf("modify %q: got %v (called: %v), want ErrNotFound", name, err, called)
		}
		if err := docs.Delete(r.ctx, name); !errors.Is(err, store.ErrNotFound) {
			r.Errorf("delete %q: got %v, want ErrNotFound", name, err)
		}
	}
}

func testDelete[T any](r rig, k kind[T]) {
	docs := k.of(r.handle())
	r.must(docs.Create(r.ctx, k.make("a", 1)))
	r.must(docs.Create(r.ctx, k.make("b", 1)))
	r.must(docs.Delete(r.ctx, "a"))
	if err := docs.Delete(r.ctx, "a"); !errors.Is(err, store.ErrNotFound) {
		r.Errorf("delete again: got %v, want ErrNotFound", err)
	}
	if _, err := docs.Get(r.ctx, "a"); !errors.Is(err, store.ErrNotFound) {
		r.Errorf("get after delete: got %v, want ErrNotFound", err)
	}
	names, err := docs.Names(r.ctx)
	r.must(err)
	if diff := cmp.Diff([]string{"b"}, names); diff != "" {
		r.Errorf("names after delete (-want +got):\n%s", diff)
	}
	r.must(docs.Create(r.ctx, k.make("a", 5)))
	if got, err := docs.Get(r.ctx, "a"); err != nil || k.count(got) != 5 {
		r.Errorf("created again: got %v, %v", got, err)
	}
}

func testOrder[T any](r rig, k kind[T]) {
	docs := k.of(r.handle())
	if names, err := docs.Names(r.ctx); err != nil || names == nil || len(names) != 0 {
		r.Errorf("names of none: got %#v, %v, want an empty list", names, err)
	}
	if all, err := docs.All(r.ctx); err != nil || all == nil || len(all) != 0 {
		r.Errorf("all of none: got %#v, %v, want an empty list", all, err)
	}
	want := []string{"b", "a", "B", "A", "a.b", "a-b", "a_b", "ab", "10", "9", "Z", "_", "-", "é", "aa"}
	for i, name := range want {
		r.must(docs.Create(r.ctx, k.make(name, int64(i+1))))
	}
	created := slices.Clone(want)
	slices.Sort(want)
	names, err := docs.Names(r.ctx)
	r.must(err)
	if diff := cmp.Diff(want, names); diff != "" {
		r.Errorf("names (-want +got):\n%s", diff)
	}
	all, err := docs.All(r.ctx)
	r.must(err)
	var wantAll, gotAll []string
	for _, name := range want {
		wantAll = append(wantAll, encode(k.make(name, int64(slices.Index(created, name)+1))))
	}
	for _, doc := range all {
		gotAll = append(gotAll, encode(doc))
	}
	if diff := cmp.Diff(wantAll, gotAll); diff != "" {
		r.Errorf("all (-want +got):\n%s", diff)
	}
}

func testRoundTrips[T any](r rig, k kind[T]) {
	for what, s := range k.samples {
		r.Run(what, func(t *testing.T) {
			r := rig{T: t, Backend: r.Backend, ctx: r.ctx}
			docs := k.of(r.handle())
			check := func(how string, doc T, err error) {
				t.Helper()
				r.must(err)
				if diff := cmp.Diff(s.want, encode(doc)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", how, diff)
				}
			}
			r.must(docs.Create(r.ctx, s.doc))
			doc, err := docs.Get(r.ctx, s.name)
			check("get", doc, err)
			all, err := docs.All(r.ctx)
			check("all", all[0], err)
			doc, err = docs.Modify(r.ctx, s.name, func(doc *T) error {
				check("given to change", *doc, nil)
				*doc = s.doc
				return nil
			})
			check("modify", doc, err)
			doc, err = docs.Get(r.ctx, s.name)
			check("get after modify", doc, err)
			bare := k.make(s.name, 1)
			_, err = docs.Modify(r.ctx, s.name, func(doc *T) error { *doc = bare; return nil })
			r.must(err)
			doc, err = docs.Get(r.ctx, s.name)
			r.must(err)
			if diff := cmp.Diff(encode(bare), encode(doc)); diff != "" {
				t.Errorf("after all was taken away (-want +got):\n%s", diff)
			}
			r.must(docs.Delete(r.ctx, s.name))
		})
	}
}

func testCreateTogether[T any](r rig, k kind[T]) {
	handles := []store.Store{r.handle(), r.handle()}
	const creators = 8
	errs := make([]error, creators)
	together(creators, func(i int) {
		errs[i] = k.of(handles[i%2]).Create(r.ctx, k.make("a", int64(i+1)))
	})
	won := -1
	for i, err := range errs {
		switch {
		case err == nil && won < 0:
			won = i
		case !errors.Is(err, store.ErrExists):
			r.Errorf("creator %d: got %v after %d had won, want ErrExists", i, err, won)
		}
	}
	got, err := k.of(handles[0]).Get(r.ctx, "a")
	r.must(err)
	if k.count(got) != int64(won+1) {
		r.Errorf("creator %d won, but the document is of creator %d", won, k.count(got)-1)
	}
}

func testCancelled[T any](r rig, k kind[T]) {
	docs := k.of(r.handle())
	r.must(docs.Create(r.ctx, k.make("a", 1)))
	ctx, cancel := context.WithCancel(r.ctx)
	cancel()
	for what, err := range map[string]error{
		"create": docs.Create(ctx, k.make("b", 1)),
		"get":    second(docs.Get(ctx, "a")),
		"some":   second(docs.Some(ctx, []string{"a"})),
		"all":    second(docs.All(ctx)),
		"names":  second(docs.Names(ctx)),
		"modify": second(docs.Modify(ctx, "a", func(doc *T) error { k.add(doc); return nil })),
		"delete": docs.Delete(ctx, "a"),
	} {
		if !errors.Is(err, context.Canceled) {
			r.Errorf("%s: got %v, want context.Canceled", what, err)
		}
	}
	all, err := docs.All(r.ctx)
	r.must(err)
	if len(all) != 1 || k.count(all[0]) != 1 {
		r.Errorf("cancelled calls left %v", all)
	}
}

func second[A any](_ A, err error) error { return err }
