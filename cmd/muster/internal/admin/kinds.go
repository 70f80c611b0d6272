package admin

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"muster/manager/client"
	"muster/manager/store"
	"muster/topics"
)

// kinds are all of them.
func kinds() []kind {
	apps := newKind((*client.Client).Apps, []string{"name", "image", "running", "containers", "ports", "app_id"}, appRow)
	apps.related = groupsWith(func(g store.DeviceGroup) []string { return g.Apps })
	cronJobs := newKind((*client.Client).CronJobs, []string{"name", "schedule", "image", "running", "cron_job_id"}, cronJobRow)
	cronJobs.related = groupsWith(func(g store.DeviceGroup) []string { return g.CronJobs })
	groups := newKind((*client.Client).DeviceGroups, []string{"name", "apps", "cron_jobs", "device_group_id", "prune_id"}, groupRow)
	groups.related = latestConfig
	users := newKind((*client.Client).Users, []string{"name", "user_groups"}, nil)
	users.read = readAccounts
	userGroups := newKind((*client.Client).UserGroups, []string{"name", "members", "admin", "pruning", "apps", "device_groups", "cron_jobs"}, userGroupRow)
	return []kind{apps, cronJobs, groups, users, userGroups}
}

func appRow(a topics.App) []string {
	ports := make([]string, len(a.StartingPorts))
	for i, p := range a.StartingPorts {
		ports[i] = strconv.Itoa(p.Host) + ":" + strconv.Itoa(p.Container)
	}
	containers := strconv.FormatFloat(a.ContainersPer.Count, 'g', -1, 64) + " per " + a.ContainersPer.Unit
	if a.ContainersPer.Unit == topics.PerMemory || a.ContainersPer.Unit == topics.PerMem {
		containers = "1 per " + strconv.FormatFloat(a.ContainersPer.Count, 'g', -1, 64) + " MB"
	}
	return []string{a.AppName, a.DockerImage, yes(a.Running), containers, list(ports), number(a.AppID)}
}

func cronJobRow(c topics.CronJob) []string {
	return []string{c.CronJobName, c.Schedule, c.DockerImage, yes(c.Running), number(c.CronJobID)}
}

func groupRow(g store.DeviceGroup) []string {
	return []string{g.DeviceGroup, list(g.Apps), list(g.CronJobs), number(g.DeviceGroupID), number(g.PruneID)}
}

func userGroupRow(g store.UserGroup) []string {
	return []string{
		g.UserGroup, list(g.GroupMembers), yes(g.Admin), yes(g.PruningAllowed),
		rights(g.Apps), rights(g.DeviceGroups), rights(g.CronJobs),
	}
}

func rights(of map[string]store.Right) string {
	all := make([]string, 0, len(of))
	for _, name := range slices.Sorted(maps.Keys(of)) {
		all = append(all, name+":"+string(of[name]))
	}
	return list(all)
}

// list is a cell that is never empty, so that columns can be counted.
func list(names []string) string {
	if len(names) == 0 {
		return "-"
	}
	return strings.Join(names, ",")
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
