package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/oklog/ulid/v2"

	"muster/manager/store"
	"muster/topics"
)

// life is about opening, restarting, sharing and closing a store.
var life = map[string]func(rig){
	"restart":       testRestart,
	"handles share": testHandlesShare,
	"epoch":         testEpoch,
	"open together": testOpenTogether,
	"closed":        testClosed,
	"close waits":   testCloseWaits,
}

func testRestart(r rig) {
	st := r.handle()
	for plural, k := range anyKinds() {
		r.must(k.create(r.ctx, st, plural, int64(len(plural))))
	}
	r.must(st.Snapshots().Append(r.ctx, snap("g", 5)))
	r.must(st.Audit().Append(r.ctx, entry(6)))
	r.must(st.Reports().Add(r.ctx, []store.Report{report(7)}))
	r.observe(st, sighting("d", 8))
	epoch := st.Epoch()
	for range 2 {
		st = r.restart(st)
		for plural, k := range anyKinds() {
			if n, err := k.count(r.ctx, st, plural); err != nil || n != int64(len(plural)) {
				r.Errorf("%s: got %d, %v, want %d", plural, n, err, len(plural))
			}
		}
		latest, err := st.Snapshots().Latest(r.ctx, "g")
		r.must(err)
		trail, err := st.Audit().Page(r.ctx, store.AuditQuery{}, 10)
		r.must(err)
		if diff := cmp.Diff([]store.AuditEntry{entry(6)}, trail, sameJSON); diff != "" {
			r.Errorf("audit trail (-want +got):\n%s", diff)
		}
		r.checkReports("reports", st, store.ReportQuery{}, 10, []store.Report{report(7)})
		if d := r.device(st, "d"); d.Seq != 8 {
			r.Errorf("device: %#v", d)
		}
		if diff := cmp.Diff(snap("g", 5), latest); diff != "" {
			r.Errorf("latest (-want +got):\n%s", diff)
		}
		if st.Epoch() != epoch {
			r.Errorf("epoch is %s, was %s", st.Epoch(), epoch)
		}
	}
}

func testHandlesShare(r rig) {
	one, other := r.handle(), r.handle()
	r.must(one.Apps().Create(r.ctx, apps().make("a", 1)))
	if _, err := other.Apps().Get(r.ctx, "a"); err != nil {
		r.Errorf("the other handle does not see the app: %v", err)
	}
	r.must(other.Snapshots().Append(r.ctx, snap("g", 1)))
	if err := one.Snapshots().Append(r.ctx, snap("g", 1)); !errors.Is(err, store.ErrConflict) {
		r.Errorf("append what the other handle has appended: got %v, want ErrConflict", err)
	}
	r.must(one.Close())
	r.must(other.Apps().Delete(r.ctx, "a"))
	r.must(other.Ping(r.ctx))
}

func testEpoch(r rig) {
	before := time.Now().Add(-time.Second)
	st := r.handle()
	id, err := ulid.ParseStrict(st.Epoch())
	r.must(err)
	if id.String() != st.Epoch() {
		r.Errorf("epoch %s is not in its canonical form %s", st.Epoch(), id)
	}
	if made := ulid.Time(id.Time()); made.Before(before) || made.After(time.Now()) {
		r.Errorf("epoch was made at %v, the store after %v", made, before)
	}
	if other := r.handle(); other.Epoch() != st.Epoch() {
		r.Errorf("another handle has epoch %s, want %s", other.Epoch(), st.Epoch())
	}
	r.must(st.Ping(r.ctx))
}

// testOpenTogether starts several managers on a store that does not exist yet.
func testOpenTogether(r rig) {
	const managers = 8
	var opened [managers]store.Store
	var errs [managers]error
	together(managers, func(i int) { opened[i], errs[i] = r.Open(r.ctx) })
	for i, st := range opened {
		if errs[i] != nil {
			r.Errorf("manager %d: %v", i, errs[i])
			continue
		}
		r.Cleanup(func() { r.must(st.Close()) })
		if opened[0] != nil && st.Epoch() != opened[0].Epoch() {
			r.Errorf("manager %d has epoch %s, manager 0 has %s", i, st.Epoch(), opened[0].Epoch())
		}
		r.must(st.Apps().Create(r.ctx, apps().make(fmt.Sprint("app-", i), 1)))
	}
	if r.Failed() {
		return
	}
	if names, err := opened[0].Apps().Names(r.ctx); err != nil || len(names) != managers {
		r.Errorf("apps of all managers: %v, %v", names, err)
	}
}

func testClosed(r rig) {
	st := r.handle()
	r.must(st.Apps().Create(r.ctx, apps().make("a", 1)))
	r.must(st.Close())
	for what, err := range map[string]error{
		"ping":    st.Ping(r.ctx),
		"create":  st.Apps().Create(r.ctx, apps().make("b", 1)),
		"get":     second(st.Apps().Get(r.ctx, "a")),
		"names":   second(st.DeviceGroups().Names(r.ctx)),
		"append":  st.Snapshots().Append(r.ctx, snap("g", 1)),
		"heads":   second(st.Snapshots().Heads(r.ctx)),
		"history": second(st.Snapshots().History(r.ctx, "g", 0, 1)),
		"some":    second(st.Users().Some(r.ctx, []string{"u"})),
		"modify":  second(st.CronJobs().Modify(r.ctx, "c", func(*topics.CronJob) error { return nil })),
		"delete":  st.UserGroups().Delete(r.ctx, "g"),
		"audit":   st.Audit().Append(r.ctx, entry(1)),
		"trail":   second(st.Audit().Page(r.ctx, store.AuditQuery{}, 1)),
		"add":     st.Reports().Add(r.ctx, []store.Report{report(1)}),
		"reports": second(st.Reports().Page(r.ctx, store.ReportQuery{}, 1)),
		"tokens":  second(st.Tokens().All(r.ctx)),
		"acme":    second(st.ACME().All(r.ctx)),
		"roots":   second(st.Authorities().All(r.ctx)),
		"devices": second(st.Identities().List(r.ctx, store.IdentityFilter{}, "", 1)),
	} {
		if err == nil || errors.Is(err, store.ErrNotFound) {
			r.Errorf("%s works on a closed store", what)
		}
	}
	st = r.handle()
	if names, err := st.Apps().Names(r.ctx); err != nil || len(names) != 1 {
		r.Errorf("after opening it again: %v, %v", names, err)
	}
}

// testCloseWaits closes a store under load: whatever was acknowledged is there, the rest failed.
func testCloseWaits(r rig) {
	st := r.handle()
	const appenders = 8
	var acknowledged [appenders]int64
	first := make(chan struct{}, appenders)
	together(appenders+1, func(i int) {
		if i == appenders {
			for range appenders {
				<-first
			}
			if err := st.Close(); err != nil {
				r.Errorf("close: %v", err)
			}
			return
		}
		for {
			err := st.Snapshots().Append(r.ctx, snap(fmt.Sprint(i), acknowledged[i]+1))
			if err == nil {
				acknowledged[i]++
			}
			if acknowledged[i] == 1 || err != nil {
				select {
				case first <- struct{}{}:
				default:
				}
			}
			if err != nil {
				return
			}
		}
	})
	st = r.handle()
	for i, want := range acknowledged {
		latest, err := st.Snapshots().Latest(r.ctx, fmt.Sprint(i))
		if err != nil || latest.ConfigID < want {
			r.Errorf("group %d: latest is %d (%v), but %d was acknowledged", i, latest.ConfigID, err, want)
		}
	}
}
