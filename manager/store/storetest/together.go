package storetest

import (
	"errors"
	"fmt"

	"muster/manager/store"
)

// testAppendTogether has several managers append the same config_id with different content, again and
// again: exactly one wins, and what it wrote is what everybody reads.
func testAppendTogether(r rig) {
	const appenders, rounds = 6, 10
	handles := []store.Store{r.handle(), r.handle(), r.handle()}
	for id := int64(1); id <= rounds; id++ {
		errs := make([]error, appenders)
		together(appenders, func(i int) {
			s := snap("g", id)
			s.By = fmt.Sprint(i)
			errs[i] = handles[i%len(handles)].Snapshots().Append(r.ctx, s)
		})
		won := -1
		for i, err := range errs {
			switch {
			case err == nil && won < 0:
				won = i
			case !errors.Is(err, store.ErrConflict):
				r.Errorf("config_id %d, appender %d: got %v after %d had won, want ErrConflict", id, i, err, won)
			}
		}
		for i, st := range handles {
			latest, err := st.Snapshots().Latest(r.ctx, "g")
			r.must(err)
			if latest.ConfigID != id || latest.By != fmt.Sprint(won) {
				r.Errorf("handle %d: latest is %d by %s, want %d by %d", i, latest.ConfigID, latest.By, id, won)
			}
		}
	}
}

// testManyGroupsTogether appends to many groups at once, with conflicts in between that must not spoil
// what is committed beside them.
func testManyGroupsTogether(r rig) {
	const appenders, each = 16, 10
	handles := []store.Store{r.handle(), r.handle()}
	r.must(handles[0].Snapshots().Append(r.ctx, snap("taken", 1)))
	errs := make([]error, appenders)
	together(appenders, func(i int) {
		n := handles[i%2].Snapshots()
		for id := int64(1); id <= each; id++ {
			if err := n.Append(r.ctx, snap(fmt.Sprint("g", i), id)); err != nil {
				errs[i] = err
				return
			}
			if err := n.Append(r.ctx, snap("taken", 1)); !errors.Is(err, store.ErrConflict) {
				errs[i] = fmt.Errorf("got %w, want ErrConflict", err)
				return
			}
		}
	})
	r.must(errors.Join(errs...))
	for i := range appenders {
		history, err := handles[0].Snapshots().History(r.ctx, fmt.Sprint("g", i), 0, each+1)
		r.must(err)
		if len(history) != each {
			r.Errorf("group %d has %d snapshots, %d were acknowledged", i, len(history), each)
		}
	}
}
