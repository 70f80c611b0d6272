package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"

	"muster/manager/store"
)

func testModify[T any](r rig, k kind[T]) {
	docs := k.of(r.handle())
	r.must(docs.Create(r.ctx, k.make("a", 1)))
	r.must(docs.Create(r.ctx, k.make("b", 1)))
	written, err := docs.Modify(r.ctx, "a", func(doc *T) error { k.add(doc); return nil })
	r.must(err)
	if want := encode(k.make("a", 2)); encode(written) != want {
		r.Errorf("returned %s, want %s", encode(written), want)
	}
	read, err := docs.Get(r.ctx, "a")
	r.must(err)
	if encode(read) != encode(written) {
		r.Errorf("read %s, but %s was returned as written", encode(read), encode(written))
	}
	if other, err := docs.Get(r.ctx, "b"); err != nil || k.count(other) != 1 {
		r.Errorf("another document: %v, %v", other, err)
	}
	unchanged, err := docs.Modify(r.ctx, "a", func(*T) error { return nil })
	if err != nil || encode(unchanged) != encode(written) {
		r.Errorf("changing nothing: %s, %v", encode(unchanged), err)
	}
}

func testModifyRefused[T any](r rig, k kind[T]) {
	docs := k.of(r.handle())
	r.must(docs.Create(r.ctx, k.make("a", 1)))
	r.must(docs.Create(r.ctx, k.make("b", 1)))
	refusal := errors.New("no")
	if _, err := docs.Modify(r.ctx, "a", func(doc *T) error { k.add(doc); return refusal }); err != refusal { //nolint:errorlint // as it is
		r.Errorf("got %v, want the error of change as it is", err)
	}
	for _, name := range []string{"b", "new", ""} {
		if _, err := docs.Modify(r.ctx, "a", func(doc *T) error { k.add(doc); k.rename(doc, name); return nil }); err == nil {
			r.Errorf("renaming to %q was accepted", name)
		}
	}
	all, err := docs.All(r.ctx)
	r.must(err)
	var got []string
	for _, doc := range all {
		got = append(got, encode(doc))
	}
	if diff := cmp.Diff([]string{encode(k.make("a", 1)), encode(k.make("b", 1))}, got); diff != "" {
		r.Errorf("after refused changes (-want +got):\n%s", diff)
	}
}

// testModifyNested has change read and write the store, which must not lock up.
func testModifyNested[T any](r rig, k kind[T]) {
	docs := k.of(r.handle())
	r.must(docs.Create(r.ctx, k.make("a", 1)))
	_, err := docs.Modify(r.ctx, "a", func(doc *T) error {
		if _, err := docs.All(r.ctx); err != nil {
			return err
		}
		k.add(doc)
		return docs.Create(r.ctx, k.make("b", 1))
	})
	r.must(err)
	names, err := docs.Names(r.ctx)
	r.must(err)
	if diff := cmp.Diff([]string{"a", "b"}, names); diff != "" {
		r.Errorf("names (-want +got):\n%s", diff)
	}
	// A document that goes away under change is not brought back.
	_, err = docs.Modify(r.ctx, "a", func(doc *T) error {
		k.add(doc)
		if err := docs.Delete(r.ctx, "a"); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return nil
	})
	if !errors.Is(err, store.ErrNotFound) {
		r.Errorf("deleted under change: got %v, want ErrNotFound", err)
	}
	if _, err := docs.Get(r.ctx, "a"); !errors.Is(err, store.ErrNotFound) {
		r.Errorf("deleted under change: it is back (%v)", err)
	}
}

// testModifyTogether adds one to the same document from many places, some of which give up half-way.
func testModifyTogether[T any](r rig, k kind[T]) {
	handles := []store.Store{r.handle(), r.handle()}
	docs := k.of(handles[0])
	r.must(docs.Create(r.ctx, k.make("a", 0)))
	const modifiers, each = 12, 8
	seen := make([][]int64, modifiers)
	errs := make([]error, modifiers)
	refusal := errors.New("no")
	together(modifiers, func(i int) {
		docs := k.of(handles[i%2])
		for range each {
			written, err := docs.Modify(r.ctx, "a", func(doc *T) error { k.add(doc); return nil })
			if err != nil {
				errs[i] = err
				return
			}
			seen[i] = append(seen[i], k.count(written))
			_, err = docs.Modify(r.ctx, "a", func(doc *T) error { k.add(doc); return refusal })
			if !errors.Is(err, refusal) {
				errs[i] = fmt.Errorf("refusing: got %w", err)
				return
			}
		}
	})
	r.must(errors.Join(errs...))
	var all []int64
	for i, counts := range seen {
		if !slices.IsSorted(counts) {
			r.Errorf("modifier %d wrote %v: it went back", i, counts)
		}
		all = append(all, counts...)
	}
	slices.Sort(all)
	var want []int64
	for n := range int64(modifiers * each) {
		want = append(want, n+1)
	}
	if diff := cmp.Diff(want, all); diff != "" {
		r.Errorf("counts written (-want +got):\n%s", diff)
	}
	for i, st := range handles {
		if doc, err := k.of(st).Get(r.ctx, "a"); err != nil || k.count(doc) != modifiers*each {
			r.Errorf("handle %d: count is %d (%v), want %d", i, k.count(doc), err, modifiers*each)
		}
	}
}

// testTenThousand is about a store that cuts off long lists, or takes only so many arguments.
func testTenThousand[T any](r rig, k kind[T]) {
	docs := k.of(r.handle())
	const many, creators = 10_000, 64
	ctx, cancel := context.WithCancelCause(r.ctx)
	defer cancel(nil)
	together(creators, func(i int) {
		for n := i; n < many && ctx.Err() == nil; n += creators {
			if err := docs.Create(ctx, k.make(fmt.Sprintf("doc-%05d", n), int64(n))); err != nil {
				cancel(err)
			}
		}
	})
	r.must(context.Cause(ctx))
	names, err := docs.Names(r.ctx)
	r.must(err)
	all, err := docs.All(r.ctx)
	r.must(err)
	if len(names) != many || len(all) != many {
		r.Fatalf("got %d names and %d documents, want %d", len(names), len(all), many)
	}
	for n := range many {
		if want := fmt.Sprintf("doc-%05d", n); names[n] != want || k.count(all[n]) != int64(n) {
			r.Fatalf("at %d: name %q and document %s, want %q", n, names[n], encode(all[n]), want)
		}
	}
	const step = 10
	var wanted []string
	for n := 0; n < many; n += step {
		wanted = append(wanted, names[n])
	}
	some, err := docs.Some(r.ctx, wanted)
	r.must(err)
	if len(some) != len(wanted) {
		r.Fatalf("got %d of %d named documents", len(some), len(wanted))
	}
	for i, doc := range some {
		if k.count(doc) != int64(i*step) {
			r.Fatalf("some: got %s, want %q", encode(doc), wanted[i])
		}
	}
}
