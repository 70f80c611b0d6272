package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"

	"muster/manager/store"
)

// webApp is the app web of [manager.fill] with some fields changed, as JSON.
func webApp(changes string) string {
	return merge(`{
		"app_id": 1, "app_name": "web", "docker_image": "nginx:1", "starting_ports": [],
		"containers_per": {"server": 1}, "env_vars": {"A": "1"}, "running": true,
		"networks": ["nebula", "bridge"], "volumes": ["/tmp:/tmp"], "devices": [],
		"privileged": false, "rolling_restart": false}`, changes)
}

// newApp is an app with the defaults of Nebula with some fields changed, as JSON.
func newApp(changes string) string {
	return merge(`{
		"app_id": 1, "app_name": "new", "docker_image": "img", "starting_ports": [],
		"containers_per": {"server": 1}, "env_vars": {}, "running": true,
		"networks": ["nebula", "bridge"], "volumes": [], "devices": [],
		"privileged": false, "rolling_restart": false}`, changes)
}

func fleet(changes string) string {
	return merge(`{"device_group": "fleet", "device_group_id": 1, "prune_id": 1, "apps": ["web"], "cron_jobs": []}`, changes)
}

func merge(object, changes string) string {
	var o, c map[string]any
	for _, part := range []struct {
		json string
		into *map[string]any
	}{{object, &o}, {changes, &c}} {
		if err := json.Unmarshal([]byte(part.json), part.into); err != nil {
			panic(fmt.Sprintf("%v in %s", err, part.json))
		}
	}
	maps.Copy(o, c)
	merged, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return string(merged)
}

// Answers that several calls share.
const (
	appExists     = `{"app_exists": true}`
	noApp         = `{"app_exists": false}`
	groupExists   = `{"device_group_exists": true}`
	noGroup       = `{"device_group_exists": false}`
	noImage       = `{"missing_parameters": ["docker_image"]}`
	nothingGiven  = `{"missing_parameters": true}`
	invalidPort   = `{"starting_ports": "invalid port"}`
	invalidPorts  = `{"starting_ports": "can only be a list containing integers or dicts"}`
	noCronJob     = `{"cron_job_exists": false}`
	appsNoList    = `{"apps_is_list": false}`
	cronNoList    = `{"cron_jobs_is_list": false}`
	noReports     = `{"data": null, "last_id": null}`
	noPath        = `{"error": "no such path"}`
	notRunning    = `{"running_before_restart": false}`
	fullApp       = `{"starting_ports": [80, {"81": "82"}], "containers_per": {"cpu": 0.5}, "env_vars": {"B": "2"}, "docker_image": "r.example:5000/a/b:v1", "running": false, "networks": ["host"], "volumes": ["/a:/b:ro"], "devices": ["/dev/x:/dev/y:rw"], "privileged": true, "rolling_restart": true}`
	fullAppAnswer = `{"app_name": "new", "starting_ports": [80, {"81": "82"}], "containers_per": {"cpu": 0.5}, "env_vars": {"B": "2"}, "docker_image": "r.example:5000/a/b:v1", "running": false, "networks": ["host"], "volumes": ["/a:/b:ro"], "devices": ["/dev/x:/dev/y:rw"], "privileged": true, "rolling_restart": true}`
)

// TestFacts has a row for every answer that Nebula's clients rely on. Each starts from [manager.fill]:
// those that change nothing share one manager.
func TestFacts(t *testing.T) {
	checkFacts(t, []fact{
		{"GET", "/status", "", 200, `{"api_available": true}`},

		{"GET", "/apps", "", 200, `{"apps": ["idle", "web"]}`},

		{"POST", "/apps/new", `{"docker_image": "img"}`, 200, newApp(`{}`)},
		{"POST", "/apps/new", fullApp, 200, newApp(fullAppAnswer)},
		{"POST", "/apps/new", `{"docker_image": "img", "env_vars": []}`, 200, newApp(`{"env_vars": []}`)},
		{"POST", "/apps/new", `{"docker_image": "img", "env_vars": {"N": 1, "T": true}}`, 200, newApp(`{"env_vars": {"N": "1", "T": "True"}}`)},
		{"POST", "/apps/new", `{"docker_image": "img", "containers_per": {"instance": 2}}`, 200, newApp(`{"containers_per": {"instance": 2}}`)},
		{"POST", "/apps/new", `{"docker_image": "img", "containers_per": {"memory": 512}}`, 200, newApp(`{"containers_per": {"memory": 512}}`)},
		{"POST", "/apps/new", `{"docker_image": "img", "containers_per": {"mem": 512}}`, 200, newApp(`{"containers_per": {"mem": 512}}`)},
		{"POST", "/apps/new", `{"docker_image": "img", "networks": ["none"]}`, 200, newApp(`{"networks": ["none"]}`)},
		{"POST", "/apps/new", `{"docker_image": "img", "networks": []}`, 200, newApp(`{"networks": []}`)},
		{"POST", "/apps/new", `{"docker_image": "img", "networks": [""]}`, 200, newApp(`{"networks": []}`)}, // Nebula's CLI
		{"POST", "/apps/web", `{"docker_image": "img"}`, 403, appExists},
		{"POST", "/apps/web", ``, 403, appExists},
		{"POST", "/apps/new", ``, 400, noImage},
		{"POST", "/apps/new", `{}`, 400, noImage},
		{"POST", "/apps/new", `{"starting_ports": [0]}`, 400, noImage},
		{"POST", "/apps/new", `{"docker_image": "img", "starting_ports": [1, 65535, {"2": "65535"}, {"65534": 1}]}`, 200,
			newApp(`{"starting_ports": [1, 65535, {"2": "65535"}, {"65534": "1"}]}`)},
		{"POST", "/apps/new", `{"docker_image": "img", "starting_ports": [{"80": "80"}]}`, 200, newApp(`{"starting_ports": [{"80": "80"}]}`)},
		{"POST", "/apps/new", `{"docker_image": "img", "starting_ports": [0]}`, 400, invalidPort},
		{"POST", "/apps/new", `{"docker_image": "img", "starting_ports": [65536]}`, 400, invalidPort},
		{"POST", "/apps/new", `{"docker_image": "img", "starting_ports": [-1]}`, 400, invalidPort},
		{"POST", "/apps/new", `{"docker_image": "img", "starting_ports": [{"0": "80"}]}`, 400, invalidPort},
		{"POST", "/apps/new", `{"docker_image": "img", "starting_ports": [{"80": "65536"}]}`, 400, invalidPort},
		{"POST", "/apps/new", `{"docker_image": "img", "starting_ports": ["80"]}`, 403, invalidPorts},
		{"POST", "/apps/new", `{"docker_image": "img", "starting_ports": [{"a": "80"}]}`, 403, invalidPorts},
		{"POST", "/apps/new", `{"docker_image": "img", "starting_ports": [{"80": "a"}]}`, 403, invalidPorts},
		{"POST", "/apps/new", `{"docker_image": "img", "starting_ports": [true]}`, 403, invalidPorts},
		{"POST", "/apps/new", `{"docker_image": "img", "starting_ports": [null]}`, 403, invalidPorts},
		{"POST", "/apps/new", `{"docker_image": "img", "starting_ports": [[80]]}`, 403, invalidPorts},
		{"POST", "/apps/new", `{"docker_image": "img", "starting_ports": "80"}`, 403, invalidPorts},

		{"GET", "/apps/web", "", 200, webApp(`{}`)},
		{"GET", "/apps/none", "", 403, noApp},

		{"POST", "/apps/web/update", `{"docker_image": "img"}`, 202, newApp(`{"app_name": "web", "app_id": 2, "env_vars": []}`)},
		{"POST", "/apps/web/update", `{"docker_image": "img", "env_vars": {}}`, 202, newApp(`{"app_name": "web", "app_id": 2}`)},
		{"POST", "/apps/web/update", fullApp, 202, merge(newApp(fullAppAnswer), `{"app_name": "web", "app_id": 2}`)},
		{"POST", "/apps/none/update", `{"docker_image": "img"}`, 403, noApp},
		{"POST", "/apps/none/update", ``, 403, noApp},
		{"POST", "/apps/web/update", ``, 400, noImage},
		{"POST", "/apps/web/update", `{"running": false}`, 400, noImage},
		{"POST", "/apps/web/update", `{"docker_image": "img", "starting_ports": [0]}`, 400, invalidPort},
		{"POST", "/apps/web/update", `{"docker_image": "img", "starting_ports": ["x"]}`, 403, invalidPorts},

		{"PUT", "/apps/web/update", `{"docker_image": "nginx:2"}`, 202, webApp(`{"app_id": 2, "docker_image": "nginx:2"}`)},
		{"PATCH", "/apps/web/update", `{"docker_image": "nginx:2"}`, 202, webApp(`{"app_id": 2, "docker_image": "nginx:2"}`)},
		{"PUT", "/apps/web/update", `{"env_vars": {}}`, 202, webApp(`{"app_id": 2, "env_vars": {}}`)},
		{"PUT", "/apps/web/update", `{"env_vars": []}`, 202, webApp(`{"app_id": 2, "env_vars": []}`)},
		{"PUT", "/apps/web/update", `{"running": false, "privileged": true}`, 202, webApp(`{"app_id": 2, "running": false, "privileged": true}`)},
		{"PUT", "/apps/web/update", `{"docker_image": "nginx:1"}`, 202, webApp(`{"app_id": 2}`)},
		{"PUT", "/apps/none/update", `{"docker_image": "img"}`, 403, noApp},
		{"PATCH", "/apps/none/update", ``, 403, noApp},
		{"PUT", "/apps/web/update", ``, 400, nothingGiven},
		{"PATCH", "/apps/web/update", ``, 400, nothingGiven},
		{"PUT", "/apps/web/update", `{}`, 400, nothingGiven},
		{"PATCH", "/apps/web/update", `{}`, 400, nothingGiven},
		{"PUT", "/apps/web/update", `{"starting_ports": [0]}`, 400, invalidPort},
		{"PUT", "/apps/web/update", `{"starting_ports": {}}`, 403, invalidPorts},

		{"POST", "/apps/web/restart", "", 202, webApp(`{"app_id": 2}`)},
		{"POST", "/apps/none/restart", "", 403, noApp},
		{"POST", "/apps/idle/restart", "", 403, notRunning},

		{"POST", "/apps/web/stop", "", 202, webApp(`{"app_id": 2, "running": false}`)},
		{"POST", "/apps/idle/stop", "", 202, newApp(`{"app_id": 2, "app_name": "idle", "docker_image": "busybox", "running": false}`)},
		{"POST", "/apps/none/stop", "", 403, noApp},
		{"POST", "/apps/idle/start", "", 202, newApp(`{"app_id": 2, "app_name": "idle", "docker_image": "busybox"}`)},
		{"POST", "/apps/web/start", "", 202, webApp(`{"app_id": 2}`)},
		{"POST", "/apps/none/start", "", 403, noApp},

		{"DELETE", "/apps/idle", "", 200, `{}`},
		{"DELETE", "/apps/web", "", 200, `{}`}, // although fleet lists it
		{"DELETE", "/apps/none", "", 403, noApp},

		{"GET", "/device_groups", "", 200, `{"device_groups": ["fleet"]}`},

		{"POST", "/device_groups/g", `{"apps": ["web", "idle"], "cron_jobs": []}`, 200,
			fleet(`{"device_group": "g", "apps": ["web", "idle"]}`)},
		{"POST", "/device_groups/g", `{"apps": []}`, 200, fleet(`{"device_group": "g", "apps": []}`)},
		{"POST", "/device_groups/g", `{"cron_jobs": []}`, 200, fleet(`{"device_group": "g", "apps": []}`)},
		{"POST", "/device_groups/g", `{}`, 200, fleet(`{"device_group": "g", "apps": []}`)},
		{"POST", "/device_groups/fleet", `{"apps": []}`, 403, groupExists},
		{"POST", "/device_groups/fleet", ``, 403, groupExists},
		{"POST", "/device_groups/g", `{"apps": ["web", "none"]}`, 403, noApp},
		{"POST", "/device_groups/g", `{"apps": ["web"], "cron_jobs": ["none"]}`, 403, noCronJob},
		{"POST", "/device_groups/g", `{"apps": "web"}`, 400, appsNoList},
		{"POST", "/device_groups/g", `{"apps": {"web": 1}}`, 400, appsNoList},
		{"POST", "/device_groups/g", `{"cron_jobs": "none"}`, 400, cronNoList},
		{"POST", "/device_groups/g", `{"apps": "web", "cron_jobs": {}}`, 400, cronNoList},
		{"POST", "/device_groups/g", `{"apps": "web", "cron_jobs": ["none"]}`, 403, noCronJob},
		{"POST", "/device_groups/g", ``, 400, nothingGiven},

		{"GET", "/device_groups/fleet", "", 200, fleet(`{}`)},
		{"GET", "/device_groups/none", "", 403, noGroup},

		{"GET", "/device_groups/none/info", "", 403, noGroup},

		{"POST", "/device_groups/fleet/update", `{"apps": ["idle"], "cron_jobs": []}`, 202, fleet(`{"device_group_id": 2, "apps": ["idle"]}`)},
		{"PUT", "/device_groups/fleet/update", `{"apps": ["idle"], "cron_jobs": []}`, 202, fleet(`{"device_group_id": 2, "apps": ["idle"]}`)},
		{"PATCH", "/device_groups/fleet/update", `{"apps": []}`, 202, fleet(`{"device_group_id": 2, "apps": []}`)},
		{"POST", "/device_groups/fleet/update", `{"cron_jobs": []}`, 202, fleet(`{"device_group_id": 2, "apps": []}`)},
		{"POST", "/device_groups/fleet/update", `{}`, 202, fleet(`{"device_group_id": 2, "apps": []}`)},
		{"PUT", "/device_groups/fleet/update", `{"cron_jobs": []}`, 202, fleet(`{"device_group_id": 2}`)},
		{"PATCH", "/device_groups/fleet/update", `{"cron_jobs": []}`, 202, fleet(`{"device_group_id": 2}`)},
		{"POST", "/device_groups/none/update", `{"apps": []}`, 403, noGroup},
		{"PUT", "/device_groups/none/update", `{"apps": []}`, 403, noGroup},
		{"PATCH", "/device_groups/none/update", ``, 403, noGroup},
		{"POST", "/device_groups/fleet/update", `{"apps": ["none"]}`, 403, noApp},
		{"PUT", "/device_groups/fleet/update", `{"apps": ["none"]}`, 403, noApp},
		{"PATCH", "/device_groups/fleet/update", `{"cron_jobs": ["none"]}`, 403, noCronJob},
		{"POST", "/device_groups/fleet/update", `{"apps": "web"}`, 400, appsNoList},
		{"PUT", "/device_groups/fleet/update", `{"apps": null}`, 400, appsNoList},
		{"PATCH", "/device_groups/fleet/update", `{"cron_jobs": 1}`, 400, cronNoList},
		{"POST", "/device_groups/fleet/update", ``, 400, nothingGiven},
		{"PUT", "/device_groups/fleet/update", ``, 400, nothingGiven},
		{"PATCH", "/device_groups/fleet/update", ``, 400, nothingGiven},
		{"PUT", "/device_groups/fleet/update", `{}`, 400, nothingGiven},

		{"POST", "/device_groups/fleet/prune", "", 202, fleet(`{"prune_id": 2}`)},
		{"POST", "/device_groups/none/prune", "", 403, noGroup},
		{"POST", "/device_groups/a.b/prune", "", 400, `{"invalid_name": "may only contain letters, digits, '_' and '-'"}`},
		{"POST", "/prune", "", 202, `{"prune_ids": {"fleet": 2}}`},

		{"DELETE", "/device_groups/fleet", "", 200, `{}`},
		{"DELETE", "/device_groups/none", "", 403, noGroup},

		{"GET", "/reports", "", 200, noReports},
		{"GET", "/reports?page_size=10&report_creation_time_filter=gt", "", 200, noReports}, // as Nebula's SDK asks
		{"GET", "/reports?page_size=3&hostname=h&device_group=g&report_creation_time_filter=gt&report_creation_time=1551252013&last_id=5c75489a209bde00015570e5", "", 200, noReports},
	})
}

// A database of Nebula's has device_groups with cron_jobs. They are kept until an update says otherwise.
func TestCronJobsThatAreThereAlready(t *testing.T) { onEveryStore(t, testCronJobsThatAreThereAlready) }

func testCronJobsThatAreThereAlready(t *testing.T, open opener) {
	m := open.manager(t)
	m.fill()
	_, err := m.store.DeviceGroups().Modify(t.Context(), "fleet", func(g *store.DeviceGroup) error {
		g.CronJobs = []string{"nightly"}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wantJSON(t, m.do("PUT", "/device_groups/fleet/update", `{"apps": []}`), 202,
		fleet(`{"device_group_id": 2, "apps": [], "cron_jobs": ["nightly"]}`))
	wantJSON(t, m.do("POST", "/device_groups/fleet/update", `{"apps": ["web"]}`), 202,
		fleet(`{"device_group_id": 3, "cron_jobs": []}`))
}
