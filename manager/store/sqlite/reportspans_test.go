package sqlite

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/manager/store"
)

// A timed report is what its spans are made of.
type timed struct {
	id      string
	created any // a number, or what is none
	updated any
	group   string
}

func (r timed) selected(q store.ReportQuery) bool {
	if r.id <= q.After || q.DeviceGroup != "" && r.group != q.DeviceGroup || q.Updated != nil && r.updated != *q.Updated {
		return false
	}
	created, ok := r.created.(float64)
	at := float64(q.CreatedAt)
	switch q.Compare {
	case store.Equal:
		return ok && created == at
	case store.NotEqual:
		return !ok || created != at
	case store.Greater:
		return ok && created > at
	case store.GreaterOrEqual:
		return ok && created >= at
	case store.Less:
		return ok && created < at
	case store.LessOrEqual:
		return ok && created <= at
	}
	return true
}

// TestSpansHideNothing compares pages of reports from many zones, whose clocks are right, off, or none, with what they should be.
func TestSpansHideNothing(t *testing.T) {
	s := mustOpen(t, path(t))
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same each time
	const start, many = 1_700_000_000, 600
	var all []timed
	second := int64(start)
	for n := range many {
		second += int64(random.IntN(30))
		if n%100 == 99 {
			second += 1000 // zones in which there is nothing
		}
		r := timed{id: fmt.Sprintf("%08x%016x", second, n), group: fmt.Sprint("g", random.IntN(3)), created: float64(second) - float64(random.IntN(20))/2}
		switch random.IntN(10) {
		case 0:
			r.created = float64(random.IntN(1000))
		case 1:
			r.created = float64(second) + 1e8
		case 2:
			r.created = []any{nil, "now", true}[random.IntN(3)]
		}
		r.updated = []any{true, false, nil, "true"}[random.IntN(4)]
		all = append(all, r)
	}
	for _, n := range random.Perm(many) {
		doc, err := json.Marshal(map[string]any{"device_group": all[n].group, "report_creation_time": all[n].created, "updated": all[n].updated})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Reports().Add(t.Context(), []store.Report{{ID: all[n].id, Doc: doc}}); err != nil {
			t.Fatal(err)
		}
	}
	check := func() {
		t.Helper()
		for range 2000 {
			q := store.ReportQuery{
				Compare:   []string{"", store.Equal, store.NotEqual, store.Greater, store.GreaterOrEqual, store.Less, store.LessOrEqual}[random.IntN(7)],
				CreatedAt: []int64{start + random.Int64N(second-start+100), random.Int64N(1000), start + 1e8 + random.Int64N(second-start), 0, -1, 1e12}[random.IntN(6)],
				Updated:   []*bool{nil, new(true), new(false)}[random.IntN(3)],
			}
			if created, ok := all[random.IntN(len(all))].created.(float64); ok && random.IntN(2) == 0 {
				q.CreatedAt = int64(created) + random.Int64N(3) - 1
			}
			if random.IntN(3) == 0 {
				q.DeviceGroup = fmt.Sprint("g", random.IntN(4))
			}
			if random.IntN(3) == 0 {
				q.After = all[random.IntN(len(all))].id
			}
			limit := 1 + random.IntN(20)
			want, got := []string{}, []string{}
			for _, r := range all {
				if r.selected(q) && len(want) < limit {
					want = append(want, r.id)
				}
			}
			page, err := s.Reports().Page(t.Context(), q, limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page {
				got = append(got, r.ID)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%+v (-want +got):\n%s", q, diff)
			}
		}
	}
	check()
	zones := func() (n int) {
		if err := s.reads.QueryRowContext(t.Context(), `SELECT count(DISTINCT zone) FROM report_spans`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := zones()
	removed, err := s.Reports().Expire(t.Context(), time.Unix(second, 0), many/2)
	if err != nil || removed != many/2 {
		t.Fatalf("%d removed, %v", removed, err)
	}
	all = all[removed:]
	check()
	if after := zones(); after > before*6/10 || after < before*4/10 {
		t.Errorf("of %d zones %d are left after half of the reports went", before, after)
	}
	if _, err := s.Reports().Expire(t.Context(), time.Unix(second+1, 0), many); err != nil {
		t.Fatal(err)
	}
	if zones() != 0 {
		t.Errorf("%d zones are left, and no report", zones())
	}
}

// TestSpansNarrow has a hundred zones, in each a report by a clock that is right and one by a clock of 1970, of which two are updated; the
// last two zones have one of 2100 and one of no time that there is.
func TestSpansNarrow(t *testing.T) {
	s := mustOpen(t, path(t))
	const start, zones = 1_700_000_000 &^ 15, 100
	var all []store.Report
	for n := range zones {
		for device, created := range []float64{float64(start + 16*n), float64(100 + n), 4_102_444_800, -1e300} {
			if device > 1 && n < 98 {
				break
			}
			all = append(all, store.Report{ID: fmt.Sprintf("%08x%016x", start+16*n, device),
				Doc: fmt.Appendf(nil, `{"report_creation_time":%g,"updated":%v}`, created, device == 1 && (n == 7 || n == 50))})
		}
	}
	for n := range fewReports + 1 {
		all = append(all, store.Report{ID: fmt.Sprintf("%08x%016x", start, 10+n), Doc: []byte(`{"hostname":"many"}`)})
	}
	if err := s.Reports().Add(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	zone := func(n int) string { return fmt.Sprintf("%08x", start+16*n)[:zoneDigits] }
	from := func(a, b int) stretch { return stretch{zone(a), zone(b-1) + "g"} }
	for what, test := range map[string]struct {
		q    store.ReportQuery
		want []stretch
	}{
		"all":                        {store.ReportQuery{}, everything},
		"of a device":                {store.ReportQuery{Hostname: "h", Compare: store.Equal}, everything},
		"of a device with many":      {store.ReportQuery{Hostname: "many", Compare: store.Equal, CreatedAt: start + 16*5}, []stretch{from(5, 6)}},
		"not at a time":              {store.ReportQuery{Compare: store.NotEqual}, everything},
		"between the clocks":         {store.ReportQuery{Compare: store.Equal, CreatedAt: 5000}, nil},
		"between 1970 and 2100":      {store.ReportQuery{Compare: store.Equal, CreatedAt: start - 7*24*3600}, nil},
		"in 2100":                    {store.ReportQuery{Compare: store.Equal, CreatedAt: 4_102_444_800, After: zone(98)}, []stretch{from(98, 100)}},
		"at one time":                {store.ReportQuery{Compare: store.Equal, CreatedAt: start + 16*5}, []stretch{from(5, 6)}},
		"the last ten":               {store.ReportQuery{Compare: store.GreaterOrEqual, CreatedAt: start + 16*90}, []stretch{from(90, 100)}},
		"the last ten, behind a few": {store.ReportQuery{Compare: store.Greater, CreatedAt: start + 16*89, After: zone(95)}, []stretch{from(95, 100)}},
		"until 1970":                 {store.ReportQuery{Compare: store.Less, CreatedAt: 110}, []stretch{from(0, 10), from(98, 100)}},
		"updated":                    {store.ReportQuery{Updated: new(true)}, []stretch{from(7, 8), from(50, 51)}},
		"updated, at any time but":   {store.ReportQuery{Updated: new(true), Compare: store.NotEqual}, []stretch{from(7, 8), from(50, 51)}},
		"not updated":                {store.ReportQuery{Updated: new(false)}, []stretch{from(0, 100)}},
		"updated lately":             {store.ReportQuery{Updated: new(true), Compare: store.Greater, CreatedAt: start}, nil},
	} {
		got, err := stretches(t.Context(), s.reads, test.q)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(test.want, got) {
			t.Errorf("%s: got %v, want %v", what, got, test.want)
		}
	}
}
