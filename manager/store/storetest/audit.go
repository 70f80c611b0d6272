package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/manager/store"
)

var audit = map[string]func(rig){
	"round trip":      testAuditRoundTrip,
	"pages":           testAuditPages,
	"filters":         testAuditFilters,
	"same id":         testAuditSameID,
	"refused":         testAuditRefused,
	"append together": testAuditTogether,
	"cancelled":       testAuditCancelled,
}

// auditID is a ULID; they sort like n.
func auditID(n int) string { return fmt.Sprintf("01HZZZZZZZZZZZZZZZZZ%06d", n) }

// entry makes an audit entry of which every field depends on n.
func entry(n int) store.AuditEntry {
	return store.AuditEntry{
		ID: auditID(n), At: time.UnixMilli(1_700_000_000_123 + int64(n)).UTC(),
		By: fmt.Sprint("admin ", n), RequestID: fmt.Sprint("request ", n),
		Action: fmt.Sprint("update ", n), Kind: "app", Name: fmt.Sprint("app ", n), Changed: []string{fmt.Sprint("field ", n)},
		Before: fmt.Appendf(nil, `{"app_id":%d}`, n), After: fmt.Appendf(nil, `{"app_id":%d}`, n+1),
	}
}

func testAuditRoundTrip(r rig) {
	a := r.handle().Audit()
	created := entry(2)
	created.Before = json.RawMessage(`null`)
	created.At = time.Date(2024, 2, 29, 23, 59, 59, 987_654_321, time.FixedZone("", 5400))
	deleted := entry(3)
	deleted.After = nil
	deleted.Changed = []string{}
	bare := store.AuditEntry{ID: auditID(4), At: time.UnixMilli(0).UTC()}
	odd := entry(5)
	odd.By, odd.RequestID, odd.Name, odd.Changed = "ü \x01 '", `"`, "$a.b", []string{"b", "a", "b", ""}
	odd.Before = json.RawMessage(`{"env_vars":{"A.B":"$C","$set":{"":null},"_id":1},"n":9007199254740993,"x":1.5,"l":[[],{},true]}`)
	odd.After = json.RawMessage(` [ "<&>" , "` + strings.Repeat("x", 1<<20) + `" ] `)
	for _, e := range []store.AuditEntry{entry(1), created, deleted, bare, odd} {
		r.must(a.Append(r.ctx, e))
		page, err := a.Page(r.ctx, store.AuditQuery{}, 1)
		r.must(err)
		want := e
		want.At = e.At.UTC().Truncate(time.Millisecond)
		want.Changed = append([]string{}, e.Changed...)
		for _, doc := range []*json.RawMessage{&want.Before, &want.After} {
			if *doc == nil {
				*doc = json.RawMessage(`null`)
			}
		}
		if diff := cmp.Diff([]store.AuditEntry{want}, page, sameJSON); diff != "" {
			r.Errorf("%s (-want +got):\n%s", e.ID, diff)
		} else if page[0].At.Location() != time.UTC {
			r.Errorf("%s: the time is in %v, want UTC", e.ID, page[0].At.Location())
		}
	}
}

// testAuditPages appends in no order and reads in pages.
func testAuditPages(r rig) {
	a := r.handle().Audit()
	if page, err := a.Page(r.ctx, store.AuditQuery{}, 10); err != nil || page == nil || len(page) != 0 {
		r.Errorf("of none: got %#v, %v, want an empty list", page, err)
	}
	const entries = 250
	var want []string
	for i := range entries {
		r.must(a.Append(r.ctx, entry(i*7%entries)))
		want = append(want, auditID(entries-1-i))
	}
	for _, limit := range []int{1000, entries, entries - 1, 99, 1, 0, -1} {
		page, err := a.Page(r.ctx, store.AuditQuery{}, limit)
		r.must(err)
		if diff := cmp.Diff(want[:max(min(limit, entries), 0)], ids(page)); diff != "" || page == nil {
			r.Errorf("limit %d (-want +got):\n%s", limit, diff)
		}
	}
	paged := []string{}
	for before := ""; len(paged) < entries; before = paged[len(paged)-1] {
		page, err := a.Page(r.ctx, store.AuditQuery{Before: before}, 49)
		r.must(err)
		if len(page) == 0 {
			break
		}
		paged = append(paged, ids(page)...)
	}
	if diff := cmp.Diff(want, paged); diff != "" {
		r.Errorf("in pages (-want +got):\n%s", diff)
	}
	for before, count := range map[string]int{auditID(0): 0, auditID(1): 1, auditID(7) + "0": 8, "0": 0, "ZZ": entries} {
		page, err := a.Page(r.ctx, store.AuditQuery{Before: before}, 1000)
		r.must(err)
		if len(page) != count {
			r.Errorf("before %s: got %d entries, want %d", before, len(page), count)
		}
	}
}

func ids(entries []store.AuditEntry) []string {
	ids := []string{}
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	return ids
}

// testAuditFilters compares what every combination of filters selects with what it should.
func testAuditFilters(r rig) {
	a := r.handle().Audit()
	bys, kinds, names := []string{"", "ada", "Ada", "bob"}, []string{"app", "cron_job", "user"}, []string{"x", "X", "x.y", "$x"}
	var all []store.AuditEntry
	for range 2 {
		for _, by := range bys {
			for _, kind := range kinds {
				for _, name := range names[:len(names)-len(all)%3] { // not all of all
					e := entry(len(all))
					e.By, e.Kind, e.Name = by, kind, name
					all = append(all, e)
				}
			}
		}
	}
	for _, e := range all {
		r.must(a.Append(r.ctx, e))
	}
	slices.Reverse(all)
	matches := func(want, got string) bool { return want == "" || want == got }
	for _, before := range []string{"", auditID(len(all) / 2)} {
		for _, by := range append(bys, "ad", "%", "a_a") {
			for _, kind := range append(kinds, "", "App") {
				for _, name := range append(names, "", "none", "x%") {
					for _, limit := range []int{1000, 2} {
						want := []string{}
						for _, e := range all {
							if matches(by, e.By) && matches(kind, e.Kind) && matches(name, e.Name) && (before == "" || e.ID < before) && len(want) < limit {
								want = append(want, e.ID)
							}
						}
						q := store.AuditQuery{Before: before, By: by, Kind: kind, Name: name}
						page, err := a.Page(r.ctx, q, limit)
						r.must(err)
						if diff := cmp.Diff(want, ids(page)); diff != "" {
							r.Fatalf("%+v, limit %d (-want +got):\n%s", q, limit, diff)
						}
					}
				}
			}
		}
	}
}

func testAuditSameID(r rig) {
	one, other := r.handle(), r.handle()
	r.must(one.Audit().Append(r.ctx, entry(1)))
	second := entry(2)
	second.ID = auditID(1)
	for _, st := range []store.Store{one, other} {
		if err := st.Audit().Append(r.ctx, second); !errors.Is(err, store.ErrExists) {
			r.Errorf("got %v, want ErrExists", err)
		}
	}
	page, err := one.Audit().Page(r.ctx, store.AuditQuery{}, 10)
	r.must(err)
	if diff := cmp.Diff([]store.AuditEntry{entry(1)}, page, sameJSON); diff != "" {
		r.Errorf("after that (-want +got):\n%s", diff)
	}
	r.must(one.Ping(r.ctx))
}

func testAuditRefused(r rig) {
	a := r.handle().Audit()
	for _, text := range []string{`{`, `{"a":}`, `{} {}`, ` `} {
		for i := range 2 {
			e := entry(1)
			*[]*json.RawMessage{&e.Before, &e.After}[i] = json.RawMessage(text)
			if err := a.Append(r.ctx, e); err == nil {
				r.Errorf("%q was accepted as JSON", text)
			}
		}
	}
	if page, err := a.Page(r.ctx, store.AuditQuery{}, 10); err != nil || len(page) != 0 {
		r.Errorf("refused entries left %v, %v", page, err)
	}
}

func testAuditTogether(r rig) {
	handles := []store.Store{r.handle(), r.handle()}
	const appenders, each = 16, 20
	errs := make([]error, appenders)
	together(appenders, func(i int) {
		a := handles[i%2].Audit()
		for n := range each {
			if err := a.Append(r.ctx, entry(i*each+n)); err != nil {
				errs[i] = err
				return
			}
			if err := a.Append(r.ctx, entry(i*each)); !errors.Is(err, store.ErrExists) {
				errs[i] = fmt.Errorf("got %w, want ErrExists", err)
				return
			}
		}
	})
	r.must(errors.Join(errs...))
	var want []store.AuditEntry
	for n := range appenders * each {
		want = append(want, entry(appenders*each-1-n))
	}
	for i, st := range handles {
		page, err := st.Audit().Page(r.ctx, store.AuditQuery{}, 2*appenders*each)
		r.must(err)
		if diff := cmp.Diff(want, page, sameJSON); diff != "" {
			r.Errorf("handle %d (-want +got):\n%s", i, diff)
		}
	}
}

func testAuditCancelled(r rig) {
	a := r.handle().Audit()
	r.must(a.Append(r.ctx, entry(1)))
	ctx, cancel := context.WithCancel(r.ctx)
	cancel()
	for what, err := range map[string]error{
		"append": a.Append(ctx, entry(2)),
		"page":   second(a.Page(ctx, store.AuditQuery{}, 10)),
	} {
		if !errors.Is(err, context.Canceled) {
			r.Errorf("%s: got %v, want context.Canceled", what, err)
		}
	}
	if page, err := a.Page(r.ctx, store.AuditQuery{}, 10); err != nil || len(page) != 1 {
		r.Errorf("a cancelled append left %v, %v", page, err)
	}
}
