package storetest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"muster/manager/store"
)

// A fact is what one report says in the fields that reports are selected by, as JSON; "" is a field that is
// left out.
type fact struct {
	hostname, group, created, updated string
}

func (f fact) doc() []byte {
	doc := map[string]json.RawMessage{"apps_containers": json.RawMessage(`[]`)}
	for field, value := range map[string]string{
		"hostname": f.hostname, "device_group": f.group, "report_creation_time": f.created, "updated": f.updated,
	} {
		if value != "" {
			doc[field] = json.RawMessage(value)
		}
	}
	return []byte(encode(doc))
}

// createdTimes are values of report_creation_time, with the number that each is, if it is one.
var createdTimes = map[string]float64{"1700000000": 1_700_000_000, "1700000001": 1_700_000_001, "1.7e9": 1_700_000_000,
	"1700000000.5": 1_700_000_000.5, "-1": -1}

// selects says whether a query selects a report.
func (f fact) selects(q store.ReportQuery) bool {
	if q.Hostname != "" && f.hostname != fmt.Sprintf("%q", q.Hostname) ||
		q.DeviceGroup != "" && f.group != fmt.Sprintf("%q", q.DeviceGroup) ||
		q.Updated != nil && f.updated != fmt.Sprint(*q.Updated) {
		return false
	}
	created, isNumber := createdTimes[f.created]
	with := float64(q.CreatedAt)
	switch q.Compare {
	case store.Equal:
		return isNumber && created == with
	case store.NotEqual:
		return !isNumber || created != with
	case store.Greater:
		return isNumber && created > with
	case store.GreaterOrEqual:
		return isNumber && created >= with
	case store.Less:
		return isNumber && created < with
	case store.LessOrEqual:
		return isNumber && created <= with
	}
	return true
}

// testReportFilters compares what every combination of filters selects with what it should.
func testReportFilters(r rig) {
	st := r.handle()
	var facts []fact
	for _, hostname := range []string{`"h"`, `"H"`, `"h.1"`, `7`, ``} {
		for _, group := range []string{`"g"`, `"g2"`, `null`} {
			for _, created := range slices.Sorted(maps.Keys(createdTimes)) {
				facts = append(facts, fact{hostname, group, created, []string{"true", "false", ""}[len(facts)%3]})
			}
			for _, none := range []string{``, `null`, `"1700000000"`, `true`, `{"$gt":0}`} {
				facts = append(facts, fact{hostname, group, none, []string{"null", `"true"`, "1", "0", "true"}[len(facts)%5]})
			}
		}
	}
	var all []store.Report
	for n, f := range facts {
		all = append(all, store.Report{ID: reportID(n), Doc: f.doc()})
	}
	r.must(st.Reports().Add(r.ctx, all))
	yes, no := true, false
	var queries []store.ReportQuery
	for _, hostname := range []string{"", "h", "H", "h.1", "7", "%"} {
		for _, group := range []string{"", "g", "g2", "none"} {
			for _, updated := range []*bool{nil, &yes, &no} {
				for _, compare := range []string{"", store.Equal, store.NotEqual, store.Greater, store.GreaterOrEqual, store.Less, store.LessOrEqual} {
					queries = append(queries, store.ReportQuery{Hostname: hostname, DeviceGroup: group, Updated: updated, Compare: compare, CreatedAt: 1_700_000_000})
				}
			}
		}
	}
	queries = append(queries,
		store.ReportQuery{CreatedAt: 1_700_000_000}, // means nothing without a comparison
		store.ReportQuery{Compare: store.Equal}, store.ReportQuery{Compare: store.Greater}, store.ReportQuery{Compare: store.Less, CreatedAt: -1},
	)
	for i, q := range queries {
		if i%3 == 2 {
			q.After = reportID(len(all) / 3)
		}
		limit := []int{1000, 3}[i%2]
		var want []store.Report
		for n, f := range facts {
			if f.selects(q) && all[n].ID > q.After && len(want) < limit {
				want = append(want, all[n])
			}
		}
		r.checkReports("filters", st, q, limit, want)
	}
}
