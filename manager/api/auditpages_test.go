package api_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whoever walks through the trail sees every entry once, while others go on adding to it.
func TestAuditPages(t *testing.T) {
	onEveryStore(t, func(t *testing.T, open opener) {
		m := open.manager(t)
		m.fill()
		const made = 25
		for range made {
			m.do("POST", "/apps/web/restart", "")
		}
		var seen []int
		next := ""
		for {
			entries, following := m.auditPage("page_size=4" + next)
			for _, e := range entries {
				var app struct {
					AppID int `json:"app_id"`
				}
				decodeRaw(t, e.After, &app)
				seen = append(seen, app.AppID)
			}
			m.do("POST", "/apps/web/stop", "")
			if following == "" {
				break
			}
			next = "&before=" + following
		}
		var want []int
		for id := made + 1; id > 1; id-- {
			want = append(want, id)
		}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("app_ids, newest first (-want +got):\n%s", diff)
		}
	})
}

func TestAuditSelection(t *testing.T) {
	onEveryStore(t, func(t *testing.T, open opener) {
		m := open.manager(t)
		m.fill()
		m.do("POST", "/apps/web/stop", "")
		m.do("POST", "/apps/idle/start", "")
		m.do("PUT", "/device_groups/fleet/update", `{"apps": []}`)
		m.do("DELETE", "/apps/web", "")
		all, _ := m.auditPage("")
		ids := make([]string, len(all))
		for i, e := range all {
			ids[i] = e.ID
		}
		if len(ids) != 4 {
			t.Fatalf("%d entries", len(ids))
		}
		for _, tc := range []struct {
			parameters string
			want       []int
			next       int // the entry that next is; -1 for null
		}{
			{"", []int{0, 1, 2, 3}, -1},
			{"page_size=4", []int{0, 1, 2, 3}, -1},
			{"page_size=3", []int{0, 1, 2}, 2},
			{"kind=app", []int{0, 2, 3}, -1},
			{"kind=app&page_size=2", []int{0, 2}, 2},
			{"kind=app&page_size=2&before=" + ids[2], []int{3}, -1},
			{"kind=device_group", []int{1}, -1},
			{"kind=user", nil, -1},
			{"name=web", []int{0, 3}, -1},
			{"name=web&kind=app&by=root", []int{0, 3}, -1},
			{"by=root", []int{0, 1, 2, 3}, -1},
			{"by=roo", nil, -1},
			{"before=" + ids[0], []int{1, 2, 3}, -1},
			{"before=" + strings.ToLower(ids[0]), []int{1, 2, 3}, -1},
			{"before=" + ids[3], nil, -1},
		} {
			entries, next := m.auditPage(tc.parameters)
			var got []int
			for _, e := range entries {
				got = append(got, slices.Index(ids, e.ID))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || next != "" && slices.Index(ids, next) != tc.next || next == "" && tc.next >= 0 {
				t.Errorf("%s: next %q (-want +got):\n%s", tc.parameters, next, diff)
			}
		}
	})
}

func TestAuditParameters(t *testing.T) {
	m := newManager(t)
	for parameters, want := range map[string]string{
		"page_size=0":                       `{"page_size": "must be a whole number from 1 to 1000, is \"0\""}`,
		"page_size=1001":                    `{"page_size": "must be a whole number from 1 to 1000, is \"1001\""}`,
		"before=7":                          `{"before": "must be the id of an entry, which is a ULID, is \"7\""}`,
		"before=8ZZZZZZZZZZZZZZZZZZZZZZZZZ": `{"before": "must be the id of an entry, which is a ULID, is \"8ZZZZZZZZZZZZZZZZZZZZZZZZZ\""}`,
		"kind=apps":                         `{"kind": "must be one of [\"app\" \"cron_job\" \"device_group\" \"user\" \"user_group\" \"device\" \"token\" \"authority\"], is \"apps\""}`,
		"by=":                               `{"by": "must not be empty: leave it out instead"}`,
		"name=a&name=b":                     `{"name": "must be given once"}`,
		"action=create":                     `{"action": "unknown parameter"}`,
		"page_size=1&x=y":                   `{"x": "unknown parameter"}`,
	} {
		wantJSON(t, m.do("GET", "/audit?"+parameters, ""), 400, want)
	}
	wantJSON(t, m.do("GET", "/audit?before=01m7yzftqyyt1e63b2zb2gp9fn", ""), 200, `{"audit": [], "next": null}`)
}
