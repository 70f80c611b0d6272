package api_test

import (
	"strings"
	"testing"

	"muster/manager/store"
)

// What ann may do with cron_jobs, and whether she may prune, is what her user_group says.
func TestRightsToCronJobsAndPruning(t *testing.T) {
	onEveryStore(t, testRightsToCronJobsAndPruning)
}

func testRightsToCronJobsAndPruning(t *testing.T, open opener) {
	const denied = `{"access_allowed": false}`
	for name, may := range map[string]struct {
		group         store.UserGroup
		read, change  bool
		prune, create bool
	}{
		"nothing":    {},
		"read":       {group: store.UserGroup{CronJobs: map[string]store.Right{"nightly": store.ReadOnly}}, read: true},
		"change":     {group: store.UserGroup{CronJobs: map[string]store.Right{"nightly": store.ReadWrite}}, read: true, change: true},
		"create":     {group: store.UserGroup{CronJobs: map[string]store.Right{"new": store.ReadWrite}}, create: true},
		"of an app":  {group: store.UserGroup{Apps: map[string]store.Right{"nightly": store.ReadWrite, "new": store.ReadWrite}}},
		"of a group": {group: store.UserGroup{DeviceGroups: map[string]store.Right{"fleet": store.ReadWrite}}}, // which is not to prune
		"prune":      {group: store.UserGroup{PruningAllowed: true}, prune: true},
		"admin":      {group: store.UserGroup{Admin: true}, read: true, change: true, prune: true, create: true},
	} {
		t.Run(name, func(t *testing.T) {
			m := open.manager(t)
			m.fill()
			may.group.UserGroup, may.group.GroupMembers = "some", []string{"ann"}
			if err := m.store.UserGroups().Create(t.Context(), may.group); err != nil {
				t.Fatal(err)
			}
			ann := m.as("ann", annPassword)
			for _, rt := range []struct {
				method, path, body string
				allowed            bool
				status             int
			}{
				{"GET", "/cron_jobs", ``, true, 200},
				{"GET", "/cron_jobs/nightly", ``, may.read, 200},
				{"POST", "/cron_jobs/nightly", someJob, may.change, 403},
				{"PUT", "/cron_jobs/nightly/update", someJob, may.change, 202},
				{"PATCH", "/cron_jobs/nightly/update", someJob, may.change, 202},
				{"POST", "/cron_jobs/nightly/update", someJob, may.change, 202},
				{"POST", "/cron_jobs/new", someJob, may.create, 200},
				{"DELETE", "/cron_jobs/nightly", ``, may.change, 200},
				{"POST", "/device_groups/fleet/prune", ``, may.prune, 202},
				{"POST", "/prune", ``, may.prune, 202},
			} {
				w := ann(rt.method, rt.path, rt.body)
				if !rt.allowed {
					wantJSON(t, w, 403, denied)
				} else if w.Code != rt.status || w.Code == 403 && strings.Contains(w.Body.String(), "access_allowed") {
					t.Errorf("%s %s: %d %s, want it to be allowed", rt.method, rt.path, w.Code, w.Body)
				}
			}
		})
	}
}
