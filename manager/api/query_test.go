package api_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"muster/manager/store"
)

// A parameter that is wrong is refused by name, with what was expected, rather than taken for something else.
func TestWrongParameters(t *testing.T) {
	m := newManager(t)
	m.fill()
	for _, tc := range []struct{ path, field, reason string }{
		{"/device_groups/fleet/configs?page_size=0", "page_size", `must be a whole number from 1 to 100, is "0"`},
		{"/device_groups/fleet/configs?page_size=101", "page_size", `must be a whole number from 1 to 100, is "101"`},
		{"/device_groups/fleet/configs?page_size=ten", "page_size", `must be a whole number from 1 to 100, is "ten"`},
		{"/device_groups/fleet/configs?page_size=", "page_size", "must not be empty: leave it out instead"},
		{"/device_groups/fleet/configs?page_size=1&page_size=2", "page_size", "must be given once"},
		{"/device_groups/fleet/configs?before=0", "before", `must be a whole number of 1 or more, is "0"`},
		{"/device_groups/fleet/configs?before=1.5", "before", `must be a whole number of 1 or more, is "1.5"`},
		{"/device_groups/fleet/configs?before=9223372036854775808", "before", `must be a whole number of 1 or more, is "9223372036854775808"`},
		{"/device_groups/fleet/configs?pagesize=1", "pagesize", "unknown parameter"},
		{"/device_groups/fleet/configs?b=1&a=2", "a", "unknown parameter"},
		{"/device_groups/fleet/configs?a=1&page_size=0", "page_size", `must be a whole number from 1 to 100, is "0"`},
		{"/device_groups/fleet/configs?before=0&page_size=0", "page_size", `must be a whole number from 1 to 100, is "0"`},
		{"/device_groups/fleet/configs?page_size=%zz", "query", `cannot be read: invalid URL escape "%zz"`},
		{"/device_groups/fleet/configs?page_size=1;before=2", "query", "cannot be read: invalid semicolon separator in query"},
		{"/device_groups/fleet/configs/0", "config_id", `must be a whole number of 1 or more, is "0"`},
		{"/device_groups/fleet/configs/-1", "config_id", `must be a whole number of 1 or more, is "-1"`},
		{"/device_groups/fleet/configs/latest", "config_id", `must be a whole number of 1 or more, is "latest"`},

		{"/reports?page_size=0", "page_size", `must be a whole number from 1 to 1000, is "0"`},
		{"/reports?page_size=1001", "page_size", `must be a whole number from 1 to 1000, is "1001"`},
		{"/reports?hostname=", "hostname", "must not be empty: leave it out instead"},
		{"/reports?device_group=a&device_group=b", "device_group", "must be given once"},
		{"/reports?report_creation_time=now", "report_creation_time", `must be a whole number, is "now"`},
		{"/reports?report_creation_time=", "report_creation_time", "must not be empty: leave it out instead"},
		{"/reports?report_creation_time_filter=EQ", "report_creation_time_filter", `must be one of ["eq" "gt" "lt" "gte" "lte" "ne"], is "EQ"`},
		{"/reports?updated=1", "updated", `must be one of ["True" "False" "true" "false"], is "1"`},
		{"/reports?last_id=5c75489a209bde00015570e", "last_id", `must be an id of 24 hexadecimal digits, is "5c75489a209bde00015570e"`},
		{"/reports?last_id=None", "last_id", `must be an id of 24 hexadecimal digits, is "None"`},
		{"/reports?group=a", "group", "unknown parameter"},
	} {
		want, err := json.Marshal(map[string]string{tc.field: tc.reason})
		if err != nil {
			t.Fatal(err)
		}
		t.Run(tc.path, func(t *testing.T) { wantJSON(t, m.do("GET", tc.path, ""), 400, string(want)) })
	}
	long := m.do("GET", "/reports?last_id="+url.QueryEscape(strings.Repeat("\x00", 5000)), "")
	if long.Code != 400 || long.Body.Len() > 500 {
		t.Errorf("%d with %d bytes for a long parameter", long.Code, long.Body.Len())
	}
}

// Whoever does not say how much to send gets a page that a person can look through.
func TestPagesOfTheUsualSize(t *testing.T) {
	m := newManager(t)
	m.fill()
	m.published("fleet", 21)
	var reports []store.Report
	for i := range 11 {
		reports = append(reports, store.Report{ID: reportID(i), Doc: []byte("{}")})
	}
	if err := m.store.Reports().Add(t.Context(), reports); err != nil {
		t.Fatal(err)
	}
	for range 51 {
		m.do("POST", "/apps/web/restart", "")
	}
	for path, want := range map[string]int{"/device_groups/fleet/configs": 20, "/reports": 10, "/audit": 50} {
		var page struct{ Configs, Data, Audit []json.RawMessage }
		decodeInto(t, m.do("GET", path, ""), &page)
		if got := len(page.Configs) + len(page.Data) + len(page.Audit); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}
