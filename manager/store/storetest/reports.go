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

var reports = map[string]func(rig){
	"round trip":   testReportRoundTrip,
	"again":        testReportAgain,
	"pages":        testReportPages,
	"filters":      testReportFilters,
	"refused":      testReportRefused,
	"add together": testReportTogether,
	"expire":       testReportExpire,
	"cancelled":    testReportCancelled,
}

// reportID is an ObjectID; they sort like n.
func reportID(n int) string { return fmt.Sprintf("65f0c0ffee%014x", n) }

// report makes a report of which every part depends on n.
func report(n int) store.Report {
	return store.Report{ID: reportID(n), Doc: fmt.Appendf(nil,
		`{"hostname":"device-%d","device_group":"g","report_creation_time":%d,"updated":false}`, n, 1_700_000_000+n)}
}

func testReportRoundTrip(r rig) {
	st := r.handle()
	docs := []string{
		`{}`,
		`{"hostname":7,"device_group":null,"report_creation_time":"now","updated":"True"}`,
		` { "report_creation_time" : [ 1 ] , "updated" : 0 , "hostname" : { } } `,
		`{"n":[1,-1,2147483648,9007199254740993,0.5,1e3],"empty":{},"none":null,"list":[[],{}],"text":"ü\u0001\"<&>"}`,
		`{"current_device_group_config":{"apps":[{"env_vars":{"A.B":"$C","$set":"1"}}]},"_x":1}`,
		`{"large":"` + strings.Repeat("x", 1<<20) + `"}`,
	}
	var want []store.Report
	for n, doc := range docs {
		want = append(want, store.Report{ID: reportID(n), Doc: json.RawMessage(doc)})
	}
	r.must(st.Reports().Add(r.ctx, want))
	r.checkReports("page", st, store.ReportQuery{}, 100, want)
	r.checkReports("after a restart", r.restart(st), store.ReportQuery{}, 100, want)
}

func (r rig) checkReports(what string, st store.Store, q store.ReportQuery, limit int, want []store.Report) {
	r.Helper()
	got, err := st.Reports().Page(r.ctx, q, limit)
	r.must(err)
	if got == nil {
		r.Errorf("%s: got nil, want a list", what)
	}
	if len(want) == 0 {
		want = []store.Report{}
	}
	if diff := cmp.Diff(want, got, sameJSON); diff != "" {
		r.Fatalf("%s: %+v, limit %d (-want +got):\n%s", what, q, limit, diff)
	}
}

// testReportAgain adds reports some of which are there already, as a bridge that was interrupted does.
func testReportAgain(r rig) {
	st := r.handle()
	r.must(st.Reports().Add(r.ctx, nil))
	r.checkReports("none", st, store.ReportQuery{}, 10, nil)
	r.must(st.Reports().Add(r.ctx, []store.Report{report(1), report(3)}))
	other := report(3)
	other.Doc = json.RawMessage(`{"hostname":"other"}`)
	twice := report(2)
	twice.Doc = other.Doc
	r.must(st.Reports().Add(r.ctx, []store.Report{report(0), other, report(2), twice, report(1), report(4)}))
	want := []store.Report{report(0), report(1), report(2), report(3), report(4)}
	r.checkReports("again", st, store.ReportQuery{}, 10, want)
	r.checkReports("by hostname", st, store.ReportQuery{Hostname: "other"}, 10, nil)
	r.must(st.Ping(r.ctx))
}

func testReportPages(r rig) {
	st := r.handle()
	const many = 300
	var want, mixed []store.Report
	for n := range many {
		want = append(want, report(n))
		mixed = append(mixed, report(n*7%many))
	}
	r.must(st.Reports().Add(r.ctx, mixed))
	for _, limit := range []int{1000, many, many - 1, 10, 1, 0, -1} {
		r.checkReports("from the start", st, store.ReportQuery{}, limit, want[:max(min(limit, many), 0)])
		r.checkReports("from the middle", st, store.ReportQuery{After: reportID(99)}, limit, want[100:max(min(100+limit, many), 100)])
	}
	r.checkReports("from the end", st, store.ReportQuery{After: reportID(many - 1)}, 10, nil)
}

func testReportRefused(r rig) {
	st := r.handle()
	for _, bad := range []store.Report{
		{ID: reportID(2), Doc: json.RawMessage(`[]`)}, {ID: reportID(2), Doc: json.RawMessage(`null`)},
		{ID: reportID(2), Doc: json.RawMessage(`{`)}, {ID: reportID(2), Doc: json.RawMessage(`{} {}`)}, {ID: reportID(2)},
		{ID: "", Doc: report(2).Doc}, {ID: reportID(2) + "0", Doc: report(2).Doc}, {ID: strings.Repeat("z", 24), Doc: report(2).Doc},
	} {
		if err := st.Reports().Add(r.ctx, []store.Report{report(1), bad, report(3)}); err == nil {
			r.Errorf("%q %s was accepted", bad.ID, bad.Doc)
		} else if bad.ID != "" && !strings.Contains(err.Error(), bad.ID) {
			r.Errorf("the error does not say which report it is: %v", err)
		}
		r.checkReports("after a refused one", st, store.ReportQuery{}, 10, nil)
	}
	if _, err := st.Reports().Page(r.ctx, store.ReportQuery{Compare: "like"}, 10); err == nil {
		r.Error("an unknown comparison was accepted")
	}
	r.must(st.Ping(r.ctx))
}

// testReportTogether adds overlapping batches from two managers at once.
func testReportTogether(r rig) {
	handles := []store.Store{r.handle(), r.handle()}
	const adders, each = 12, 40
	errs := make([]error, adders)
	together(adders, func(i int) {
		var batch []store.Report
		for n := range each {
			batch = append(batch, report(i/2*each+n))
		}
		if i%2 == 1 {
			slices.Reverse(batch)
		}
		for range 3 {
			if errs[i] = handles[i%2].Reports().Add(r.ctx, batch); errs[i] != nil {
				return
			}
		}
	})
	r.must(errors.Join(errs...))
	var want []store.Report
	for n := range adders / 2 * each {
		want = append(want, report(n))
	}
	for _, st := range handles {
		r.checkReports("of all", st, store.ReportQuery{}, 1000, want)
	}
}

func testReportCancelled(r rig) {
	st := r.handle()
	r.must(st.Reports().Add(r.ctx, []store.Report{report(1)}))
	ctx, cancel := context.WithCancel(r.ctx)
	cancel()
	for what, err := range map[string]error{
		"add":    st.Reports().Add(ctx, []store.Report{report(2)}),
		"page":   second(st.Reports().Page(ctx, store.ReportQuery{}, 10)),
		"expire": second(st.Reports().Expire(ctx, time.Now(), 10)),
	} {
		if !errors.Is(err, context.Canceled) {
			r.Errorf("%s: got %v, want context.Canceled", what, err)
		}
	}
	r.checkReports("after a cancelled add", st, store.ReportQuery{}, 10, []store.Report{report(1)})
}
