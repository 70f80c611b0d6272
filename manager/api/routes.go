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
	return []route{
		{"GET", "/status", anyone, status},

		{"GET", "/apps", anyone, a.listApps},
		{"GET", "/apps/{app}", app(ro), a.getApp},
		{"POST", "/apps/{app}", app(rw), a.createApp},
		{"DELETE", "/apps/{app}", app(rw), a.deleteApp},
		{"POST", "/apps/{app}/update", app(rw), a.replaceApp},
		{"PUT", "/apps/{app}/update", app(rw), a.updateApp},
		{"PATCH", "/apps/{app}/update", app(rw), a.updateApp},
		{"POST", "/apps/{app}/restart", app(rw), a.restartApp},
		{"POST", "/apps/{app}/start", app(rw), a.startApp},
		{"POST", "/apps/{app}/stop", app(rw), a.stopApp},

		{"GET", "/device_groups", anyone, a.listGroups},
		{"GET", "/device_groups/{group}", group(ro), a.getGroup},
		{"POST", "/device_groups/{group}", group(rw), a.createGroup},
		{"DELETE", "/device_groups/{group}", group(rw), a.deleteGroup},
		{"GET", "/device_groups/{group}/info", group(ro), a.getInfo},
		{"GET", "/device_groups/{group}/configs", group(ro), a.listConfigs},
		{"GET", "/device_groups/{group}/configs/{config_id}", group(ro), a.getConfig},
		{"POST", "/device_groups/{group}/update", group(rw), a.replaceGroup},
		{"PUT", "/device_groups/{group}/update", group(rw), a.updateGroup},
		{"PATCH", "/device_groups/{group}/update", group(rw), a.updateGroup},

		{"GET", "/users", anyone, a.listUsers},
		{"GET", "/users/{user}", admin, a.getUser},
		{"POST", "/users/{user}", admin, a.createUser},
		{"DELETE", "/users/{user}", admin, a.deleteUser},
		{"PUT", "/users/{user}/update", admin, a.updateUser},
		{"PATCH", "/users/{user}/update", admin, a.updateUser},
		{"POST", "/users/{user}/refresh", admin, a.refreshUser},

		{"GET", "/user_groups", anyone, a.listUserGroups},
		{"GET", "/user_groups/{user_group}", admin, a.getUserGroup},
		{"POST", "/user_groups/{user_group}", admin, a.createUserGroup},
		{"DELETE", "/user_groups/{user_group}", admin, a.deleteUserGroup},
		{"PUT", "/user_groups/{user_group}/update", admin, a.updateUserGroup},
		{"PATCH", "/user_groups/{user_group}/update", admin, a.updateUserGroup},

		{"GET", "/reports", anyone, a.listReports},
	}
}

func status(*http.Request) (int, any, error) {
	return http.StatusOK, map[string]bool{"api_available": true}, nil
}
