package storetest

import (
	"fmt"
	"time"

	"muster/manager/store"
)

// testReportExpire removes reports of the first seconds, some at a time; there are two of each.
func testReportExpire(r rig) {
	st := r.handle()
	const start, seconds = 1_700_000_000, 10
	var all []store.Report
	for n := range 2 * seconds {
		id := fmt.Sprintf("%08x%016x", start+n/2, uint64(n%2)*0xffff_ffff_ffff_ffff)
		all = append(all, store.Report{ID: id, Doc: fmt.Appendf(nil, `{"hostname":"h","n":%d}`, n)})
	}
	r.must(st.Reports().Add(r.ctx, all))
	at := func(second int) time.Time { return time.Unix(start+int64(second), 999_999_999) }
	for _, step := range []struct {
		before time.Time
		limit  int
		want   int
	}{
		{time.Time{}, 100, 0}, {time.Unix(-5, 0), 100, 0}, {at(-1), 100, 0}, {at(0), 100, 0},
		{at(1), 0, 0}, {at(1), -1, 0}, {at(1), 1, 1}, {at(1), 100, 1}, {at(1), 100, 0},
		{at(5), 3, 3}, {at(5), 3, 3}, {at(5), 3, 2}, {at(5), 3, 0},
	} {
		got, err := st.Reports().Expire(r.ctx, step.before, step.limit)
		r.must(err)
		if got != step.want {
			r.Errorf("before %v, limit %d: %d removed, want %d", step.before, step.limit, got, step.want)
		}
		all = all[got:]
		r.checkReports("what is left", st, store.ReportQuery{}, 100, all)
		r.checkReports("what is left, by hostname", st, store.ReportQuery{Hostname: "h"}, 100, all)
	}
	got, err := st.Reports().Expire(r.ctx, time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC), 100)
	r.must(err)
	if got != len(all) {
		r.Errorf("%d of %d are older than a far future", got, len(all))
	}
}
