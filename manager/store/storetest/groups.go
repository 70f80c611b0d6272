package storetest

import (
	"strconv"

	"muster/manager/store"
)

func deviceGroups() kind[store.DeviceGroup] {
	return kind[store.DeviceGroup]{
		Kind: store.DeviceGroupKind(),
		of:   store.Store.DeviceGroups,
		make: func(name string, n int64) store.DeviceGroup {
			return store.DeviceGroup{DeviceGroup: name, DeviceGroupID: n, PruneID: 1, Apps: []string{}, CronJobs: []string{}}
		},
		add:    func(g *store.DeviceGroup) { g.DeviceGroupID++ },
		count:  func(g store.DeviceGroup) int64 { return g.DeviceGroupID },
		rename: func(g *store.DeviceGroup, name string) { g.DeviceGroup = name },
		samples: map[string]sample[store.DeviceGroup]{
			"everything set": {
				"g",
				store.DeviceGroup{DeviceGroup: "g", DeviceGroupID: 1 << 53, PruneID: 2, Apps: []string{"b", "a", "b"}, CronJobs: []string{"c"}},
				`{"device_group":"g","device_group_id":9007199254740992,"prune_id":2,"apps":["b","a","b"],"cron_jobs":["c"]}`,
			},
			"nil lists": {
				"g",
				store.DeviceGroup{DeviceGroup: "g", DeviceGroupID: 1, PruneID: 1},
				`{"device_group":"g","device_group_id":1,"prune_id":1,"apps":[],"cron_jobs":[]}`,
			},
		},
		nonsense: `{"device_group": "NAME", "device_group_id": 1, "prune_id": 1, "apps": "all", "cron_jobs": []}`,
	}
}

func users() kind[store.User] {
	words := store.UserKind()
	count := func(u store.User) int64 { return number(u.Password) }
	return kind[store.User]{
		Kind: words,
		of:   store.Store.Users,
		make: func(name string, n int64) store.User {
			return store.User{UserName: name, Password: strconv.FormatInt(n, 10), Token: "t"}
		},
		add:    func(u *store.User) { u.Password = strconv.FormatInt(count(*u)+1, 10) },
		count:  count,
		rename: func(u *store.User, name string) { u.UserName = name },
		samples: map[string]sample[store.User]{
			"everything set": same(words, `{"user_name": "full.user", "password": "$2b$12$abcdefghijklmnopqrstuv",
				"token": "$2a$10$./ABCDEFGHIJKLMNOPQRST", "token_selector": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}`),
			"no token_selector": same(words, `{"user_name": "plain", "password": "p", "token": "t"}`),
			"empty":             same(words, `{"user_name": "ü", "password": "", "token": ""}`),
		},
		nonsense: `{"user_name": "NAME", "password": 7, "token": "t"}`,
	}
}

func userGroups() kind[store.UserGroup] {
	words := store.UserGroupKind()
	count := func(g store.UserGroup) int64 { return number(g.GroupMembers[0]) }
	const empty = `{"user_group":"empty","group_members":[],"pruning_allowed":false,"apps":{},"device_groups":{},"cron_jobs":{},"admin":false}`
	return kind[store.UserGroup]{
		Kind: words,
		of:   store.Store.UserGroups,
		make: func(name string, n int64) store.UserGroup {
			group := store.UserGroup{UserGroup: name, GroupMembers: []string{strconv.FormatInt(n, 10)}}
			words.Fill(&group)
			return group
		},
		add:    func(g *store.UserGroup) { g.GroupMembers[0] = strconv.FormatInt(count(*g)+1, 10) },
		count:  count,
		rename: func(g *store.UserGroup, name string) { g.UserGroup = name },
		samples: map[string]sample[store.UserGroup]{
			"everything set": same(words, `{"user_group": "full", "group_members": ["b", "a.b", "b"], "pruning_allowed": true,
				"apps": {"$in": "rw", "a": "ro", "a.b": "rw", "a.b.c": "ro", "ü": "ro"}, "device_groups": {"g.1": "rw"},
				"cron_jobs": {"1.2": "ro", "_id": "rw"}, "admin": true}`),
			"empty":     same(words, empty),
			"nil lists": {"empty", store.UserGroup{UserGroup: "empty"}, empty},
			"other rights": same(words, `{"user_group": "g", "group_members": [], "pruning_allowed": false,
				"apps": {"a": "", "b": "none"}, "device_groups": {}, "cron_jobs": {}, "admin": false}`),
		},
		nonsense: `{"user_group": "NAME", "group_members": "everybody", "pruning_allowed": false, "apps": {},
			"device_groups": {}, "cron_jobs": {}, "admin": false}`,
	}
}

// number reads a count out of a field of text; -1 when it is none.
func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return -1
	}
	return n
}
