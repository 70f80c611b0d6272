package api

import (
	"net/http"

	"muster/manager/store"
)

// A route is a path below /api/v2 with a method, what its callers must be allowed, and what answers it.
type route struct {
	method, path string
	need         need
	handle       handler
}

// routes are all of them.
func (a *api) routes() []route {
	const ro, rw = store.ReadOnly, store.ReadWrite
	apps, cronJobs, groups := a.apps(), a.cronJobs(), a.groups()
	users, userGroups, tokens := a.users(), a.userGroups(), a.tokens()
	return []route{
		{"GET", "/status", anyone, status},
		{"GET", "/openapi.json", anyone, getOpenAPI},
		{"GET", "/docs", anyone, getDocs},
		{"GET", "/docs/{file}", anyone, getDocsFile},

		{"GET", "/apps", anyone, apps.list},
		{"GET", "/apps/{app}", app(ro), apps.get},
		{"POST", "/apps/{app}", app(rw), apps.create},
		{"DELETE", "/apps/{app}", app(rw), apps.delete},
		{"POST", "/apps/{app}/update", app(rw), apps.replace},
		{"PUT", "/apps/{app}/update", app(rw), apps.modify},
		{"PATCH", "/apps/{app}/update", app(rw), apps.modify},
		{"POST", "/apps/{app}/restart", app(rw), apps.restart},
		{"POST", "/apps/{app}/start", app(rw), apps.start},
		{"POST", "/apps/{app}/stop", app(rw), apps.stop},

		{"GET", "/cron_jobs", anyone, cronJobs.list},
		{"GET", "/cron_jobs/{cron_job}", cronJob(ro), cronJobs.get},
		{"POST", "/cron_jobs/{cron_job}", cronJob(rw), cronJobs.create},
		{"DELETE", "/cron_jobs/{cron_job}", cronJob(rw), cronJobs.delete},
		{"POST", "/cron_jobs/{cron_job}/update", cronJob(rw), cronJobs.replace},
		{"PUT", "/cron_jobs/{cron_job}/update", cronJob(rw), cronJobs.modify},
		{"PATCH", "/cron_jobs/{cron_job}/update", cronJob(rw), cronJobs.modify},

		{"GET", "/device_groups", anyone, groups.list},
		{"GET", "/device_groups/{group}", group(ro), groups.get},
		{"POST", "/device_groups/{group}", group(rw), groups.create},
		{"DELETE", "/device_groups/{group}", group(rw), groups.delete},
		{"GET", "/device_groups/{group}/info", group(ro), groups.info},
		{"GET", "/device_groups/{group}/configs", group(ro), a.listConfigs},
		{"GET", "/device_groups/{group}/configs/{config_id}", group(ro), a.getConfig},
		{"POST", "/device_groups/{group}/prune", pruning, groups.prune},
		{"POST", "/device_groups/{group}/update", group(rw), groups.replace},
		{"PUT", "/device_groups/{group}/update", group(rw), groups.modify},
		{"PATCH", "/device_groups/{group}/update", group(rw), groups.modify},

		{"GET", "/users", anyone, users.list},
		{"GET", "/users/{user}", admin, users.get},
		{"POST", "/users/{user}", admin, a.changingUsers(users.create)},
		{"DELETE", "/users/{user}", admin, a.changingUsers(users.delete)},
		{"PUT", "/users/{user}/update", admin, a.changingUsers(users.modify)},
		{"PATCH", "/users/{user}/update", admin, a.changingUsers(users.modify)},
		{"POST", "/users/{user}/refresh", admin, a.changingUsers(users.refresh)},

		{"GET", "/user_groups", anyone, userGroups.list},
		{"GET", "/user_groups/{user_group}", admin, userGroups.get},
		{"POST", "/user_groups/{user_group}", admin, a.changingUsers(userGroups.create)},
		{"DELETE", "/user_groups/{user_group}", admin, a.changingUsers(userGroups.delete)},
		{"PUT", "/user_groups/{user_group}/update", admin, a.changingUsers(userGroups.modify)},
		{"PATCH", "/user_groups/{user_group}/update", admin, a.changingUsers(userGroups.modify)},

		{"GET", "/tokens", admin, tokens.list},
		{"POST", "/tokens", admin, a.changingTokens(tokens.create)},
		{"GET", "/tokens/{token}", admin, tokens.get},
		{"DELETE", "/tokens/{token}", admin, a.changingTokens(tokens.delete)},

		{"POST", "/prune", pruning, groups.pruneAll},

		{"GET", "/devices", anyone, a.listDevices},
		{"GET", "/devices/{device}", anyone, a.onDevice(ro, a.getDevice)},
		{"PUT", "/devices/{device}", anyone, a.onDevice(rw, a.replaceDevice)},
		{"PATCH", "/devices/{device}", anyone, a.onDevice(rw, a.modifyDevice)},
		{"DELETE", "/devices/{device}", anyone, a.onDevice(rw, a.deleteDevice)},
		{"POST", "/devices/{device}/approve", admin, a.approveDevice},
		{"POST", "/devices/{device}/secret", admin, a.makeSecret},
		{"POST", "/devices/{device}/revoke", anyone, a.onDevice(rw, a.revokeDevice)},

		{"GET", "/reports", anyone, a.listReports},
		{"GET", "/audit", admin, a.listAudit},

		{"GET", "/broker/rights/{format}", admin, a.getBrokerRights},
		{"POST", "/broker/auth", brokerAuth, a.askLogin},
		{"POST", "/broker/acl", brokerAuth, a.askTopic},
		{"POST", "/broker/superuser", brokerAuth, a.askSuperuser},
	}
}

func status(*http.Request) (int, any, error) {
	return http.StatusOK, map[string]bool{"api_available": true}, nil
}
