package api_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"muster/manager/store"
)

func reportID(i int) string { return fmt.Sprintf("5c75489a209bde00015570%02x", i) }

// reported puts four reports in, from three devices of two device_groups.
func (m *manager) reported() {
	m.t.Helper()
	var reports []store.Report
	for i, doc := range []string{
		`{"hostname": "h1", "device_group": "fleet", "report_creation_time": 100, "updated": true, "memory_usage": {"total": 7}}`,
		`{"hostname": "h2", "device_group": "fleet", "report_creation_time": 200, "updated": false}`,
		`{"hostname": "h1", "device_group": "fleet", "report_creation_time": 300, "updated": false}`,
		`{"hostname": "h3", "device_group": "other", "report_creation_time": 300, "updated": true}`,
	} {
		reports = append(reports, store.Report{ID: reportID(i + 1), Doc: []byte(doc)})
	}
	if err := m.store.Reports().Add(m.t.Context(), reports); err != nil {
		m.t.Fatal(err)
	}
}

func TestReports(t *testing.T) {
	onEveryStore(t, func(t *testing.T, open opener) {
		m := open.manager(t)
		m.reported()
		wantJSON(t, m.do("GET", "/reports?page_size=1", ""), 200, `{
			"data": [{"_id": {"$oid": "5c75489a209bde0001557001"}, "hostname": "h1", "device_group": "fleet",
				"report_creation_time": 100, "updated": true, "memory_usage": {"total": 7}}],
			"last_id": {"$oid": "5c75489a209bde0001557001"}}`)
		for _, tc := range []struct {
			parameters string
			want       []int
		}{
			{"", []int{1, 2, 3, 4}},
			{"page_size=2", []int{1, 2}},
			{"hostname=h1", []int{1, 3}},
			{"device_group=other", []int{4}},
			{"hostname=h1&device_group=other", nil},
			{"hostname=h", nil},
			{"updated=True", []int{1, 4}},
			{"updated=False", []int{2, 3}},
			{"updated=false&hostname=h1", []int{3}},
			{"report_creation_time=300", []int{3, 4}},
			{"report_creation_time=300&report_creation_time_filter=eq", []int{3, 4}},
			{"report_creation_time=200&report_creation_time_filter=gt", []int{3, 4}},
			{"report_creation_time=200&report_creation_time_filter=gte", []int{2, 3, 4}},
			{"report_creation_time=200&report_creation_time_filter=lt", []int{1}},
			{"report_creation_time=200&report_creation_time_filter=lte", []int{1, 2}},
			{"report_creation_time=200&report_creation_time_filter=ne", []int{1, 3, 4}},
			{"report_creation_time=-1&report_creation_time_filter=gt", []int{1, 2, 3, 4}},
			{"report_creation_time_filter=gt", []int{1, 2, 3, 4}},
			{"report_creation_time_filter=lt", []int{1, 2, 3, 4}},
			{"last_id=" + reportID(2), []int{3, 4}},
			{"last_id=" + strings.ToUpper(reportID(2)), []int{3, 4}},
			{"last_id=" + reportID(4), nil},
			{"last_id=" + reportID(1) + "&page_size=1&hostname=h1", []int{3}},
		} {
			t.Run(tc.parameters, func(t *testing.T) {
				ids, last := m.reports(tc.parameters)
				var want []string
				for _, i := range tc.want {
					want = append(want, reportID(i))
				}
				if !slices.Equal(ids, want) {
					t.Errorf("got %v, want %v", ids, want)
				}
				if len(want) > 0 && last != want[len(want)-1] || len(want) == 0 && last != "" {
					t.Errorf("last_id %q after %v", last, want)
				}
			})
		}
	})
}

// A client that goes on from each last_id until there is null sees every report once.
func TestReportPages(t *testing.T) {
	onEveryStore(t, func(t *testing.T, open opener) {
		m := open.manager(t)
		m.reported()
		for size := 1; size <= 5; size++ {
			var seen []string
			last := ""
			for {
				parameters := "page_size=" + strconv.Itoa(size)
				if last != "" {
					parameters += "&last_id=" + last
				}
				var ids []string
				if ids, last = m.reports(parameters); last == "" {
					break
				}
				seen = append(seen, ids...)
			}
			if want := []string{reportID(1), reportID(2), reportID(3), reportID(4)}; !slices.Equal(seen, want) {
				t.Errorf("pages of %d: %v, want %v", size, seen, want)
			}
		}
	})
}

// reports asks for reports and returns their ids, and the last_id.
func (m *manager) reports(parameters string) (ids []string, last string) {
	m.t.Helper()
	type oid struct {
		OID string `json:"$oid"`
	}
	var answer struct {
		Data []struct {
			ID oid `json:"_id"`
		}
		LastID oid `json:"last_id"`
	}
	decodeInto(m.t, m.do("GET", "/reports?"+parameters, ""), &answer)
	for _, report := range answer.Data {
		ids = append(ids, report.ID.OID)
	}
	return ids, answer.LastID.OID
}

// What an answer is spliced together from may be anything that is an object.
func TestReportsOfAnyShape(t *testing.T) {
	onEveryStore(t, func(t *testing.T, open opener) {
		m := open.manager(t)
		if err := m.store.Reports().Add(t.Context(), []store.Report{
			{ID: reportID(1), Doc: []byte("{}")},
			{ID: reportID(2), Doc: []byte(" {\n} ")},
			{ID: reportID(3), Doc: []byte("\n{ \"a\" : [1, {}] }\n")},
			{ID: reportID(4), Doc: []byte(`{"_id": "its own", "b": {"_id": 7}}`)},
			{ID: reportID(5), Doc: []byte(`{"\u005fid": {"$oid": "5c75489a209bde0001557001"}}`)},
		}); err != nil {
			t.Fatal(err)
		}
		wantJSON(t, m.do("GET", "/reports", ""), 200, fmt.Sprintf(
			`{"data": [{"_id": {"$oid": %q}}, {"_id": {"$oid": %q}}, {"_id": {"$oid": %q}, "a": [1, {}]},
				{"_id": {"$oid": %q}, "b": {"_id": 7}}, {"_id": {"$oid": %[5]q}}], "last_id": {"$oid": %[5]q}}`,
			reportID(1), reportID(2), reportID(3), reportID(4), reportID(5)))
	})
}
