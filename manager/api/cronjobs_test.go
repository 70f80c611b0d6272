package api_test

import (
	"strings"
	"testing"

	"muster/topics"
)

// nightly is the cron_job nightly of [manager.fill] with some fields changed, as JSON.
func nightly(changes string) string {
	return merge(`{
		"cron_job_id": 1, "cron_job_name": "nightly", "schedule": "0 4 * * *", "docker_image": "backup:1",
		"env_vars": {"A": "1"}, "running": true, "networks": ["nebula", "bridge"], "volumes": ["/tmp:/tmp"],
		"devices": [], "privileged": false}`, changes)
}

// newJob is a cron_job with the defaults with some fields changed, as JSON.
func newJob(changes string) string {
	return merge(`{
		"cron_job_id": 1, "cron_job_name": "new", "schedule": "* * * * *", "docker_image": "img", "env_vars": {},
		"running": true, "networks": ["nebula", "bridge"], "volumes": [], "devices": [], "privileged": false}`, changes)
}

const (
	cronJobExists = `{"cron_job_exists": true}`
	noSchedule    = `{"missing_parameters": ["schedule"]}`
	noJob         = `{"missing_parameters": ["docker_image", "schedule"]}`
	someJob       = `{"docker_image": "img", "schedule": "* * * * *"}`
	fullJob       = `{"schedule": "*/5 1-3 * jan sun", "docker_image": "r.example:5000/a/b:v1", "env_vars": {"B": "2"}, "running": false, "networks": ["host"], "volumes": ["/a:/b:ro"], "devices": ["/dev/x:/dev/y:rw"], "privileged": true}`
)

// invalid is the answer to a schedule that is none.
func invalid(why string) string { return `{"schedule_valid": false, "schedule": ` + why + `}` }

// TestCronJobFacts is TestFacts for cron_jobs.
func TestCronJobFacts(t *testing.T) {
	checkFacts(t, []fact{
		{"GET", "/cron_jobs", "", 200, `{"cron_jobs": ["nightly"]}`},

		{"POST", "/cron_jobs/new", someJob, 200, newJob(`{}`)},
		{"POST", "/cron_jobs/new", fullJob, 200, newJob(fullJob)},
		{"POST", "/cron_jobs/new", merge(someJob, `{"env_vars": []}`), 200, newJob(`{"env_vars": []}`)},
		{"POST", "/cron_jobs/web", someJob, 200, newJob(`{"cron_job_name": "web"}`)}, // with the name of an app
		{"POST", "/cron_jobs/new", merge(someJob, `{"schedule": "0 0 * * 7"}`), 200, newJob(`{"schedule": "0 0 * * 7"}`)},
		{"POST", "/cron_jobs/nightly", someJob, 403, cronJobExists},
		{"POST", "/cron_jobs/nightly", ``, 403, cronJobExists},
		{"POST", "/cron_jobs/nightly", `{`, 403, cronJobExists},
		{"POST", "/cron_jobs/new", ``, 400, noJob},
		{"POST", "/cron_jobs/new", `{}`, 400, noJob},
		{"POST", "/cron_jobs/new", `{"running": 1, "x": 2}`, 400, noJob},
		{"POST", "/cron_jobs/new", `{"schedule": "x"}`, 400, noImage},
		{"POST", "/cron_jobs/new", `{"docker_image": "img"}`, 400, noSchedule},
		{"POST", "/cron_jobs/new", merge(someJob, `{"schedule": "0 4 * *"}`), 400,
			invalid(`"must have five fields (minute, hour, day of month, month, day of week), has 4"`)},
		{"POST", "/cron_jobs/new", merge(someJob, `{"schedule": "@every 1h"}`), 400,
			invalid(`"must have five fields such as \"0 4 * * *\", or be @hourly, @daily, @midnight, @weekly, @monthly, @yearly or @annually"`)},
		{"POST", "/cron_jobs/new", merge(someJob, `{"schedule": "0 0 30 2 *"}`), 400,
			invalid(`"has no time at all: there is no such day in that month"`)},
		{"POST", "/cron_jobs/new", merge(someJob, `{"schedule": ""}`), 400,
			invalid(`"must have five fields (minute, hour, day of month, month, day of week), has 0"`)},
		{"POST", "/cron_jobs/new", merge(someJob, `{"schedule": 5}`), 400, invalid(`"must be a string, not a number"`)},
		{"POST", "/cron_jobs/new", merge(someJob, `{"schedule": null}`), 400, invalid(`"must be a string, not null"`)},

		{"GET", "/cron_jobs/nightly", "", 200, nightly(`{}`)},
		{"GET", "/cron_jobs/none", "", 403, noCronJob},

		{"POST", "/cron_jobs/nightly/update", someJob, 202, newJob(`{"cron_job_name": "nightly", "cron_job_id": 2, "env_vars": []}`)},
		{"POST", "/cron_jobs/nightly/update", fullJob, 202, merge(newJob(fullJob), `{"cron_job_name": "nightly", "cron_job_id": 2}`)},
		{"POST", "/cron_jobs/none/update", someJob, 403, noCronJob},
		{"POST", "/cron_jobs/none/update", ``, 403, noCronJob},
		{"POST", "/cron_jobs/nightly/update", ``, 400, noJob},
		{"POST", "/cron_jobs/nightly/update", `{"docker_image": "img"}`, 400, noSchedule},
		{"POST", "/cron_jobs/nightly/update", merge(someJob, `{"schedule": "x"}`), 400,
			invalid(`"must have five fields (minute, hour, day of month, month, day of week), has 1"`)},

		{"PUT", "/cron_jobs/nightly/update", `{"schedule": "1 * * * *"}`, 202, nightly(`{"cron_job_id": 2, "schedule": "1 * * * *"}`)},
		{"PATCH", "/cron_jobs/nightly/update", `{"running": false}`, 202, nightly(`{"cron_job_id": 2, "running": false}`)},
		{"PUT", "/cron_jobs/nightly/update", fullJob, 202, nightly(merge(fullJob, `{"cron_job_id": 2}`))},
		{"PUT", "/cron_jobs/nightly/update", nightly(`{}`), 202, nightly(`{"cron_job_id": 2}`)}, // what was read
		{"PUT", "/cron_jobs/nightly/update", ``, 400, nothingGiven},
		{"PATCH", "/cron_jobs/nightly/update", `{}`, 400, nothingGiven},
		{"PUT", "/cron_jobs/nightly/update", `{"cron_job_id": 9, "cron_job_name": "x"}`, 400, nothingGiven},
		{"PUT", "/cron_jobs/nightly/update", `{"schedule": "* * * * * *"}`, 400,
			invalid(`"must have five fields (minute, hour, day of month, month, day of week), has 6"`)},
		{"PUT", "/cron_jobs/none/update", `{"running": false}`, 403, noCronJob},
		{"PATCH", "/cron_jobs/none/update", ``, 403, noCronJob},

		{"DELETE", "/cron_jobs/nightly", "", 200, `{}`},
		{"DELETE", "/cron_jobs/none", "", 403, noCronJob},

		{"POST", "/device_groups/g", `{"cron_jobs": ["nightly"]}`, 200, fleet(`{"device_group": "g", "apps": [], "cron_jobs": ["nightly"]}`)},
		{"POST", "/device_groups/fleet/update", `{"cron_jobs": ["nightly"]}`, 202, fleet(`{"device_group_id": 2, "apps": [], "cron_jobs": ["nightly"]}`)},
		{"PUT", "/device_groups/fleet/update", `{"cron_jobs": ["nightly"]}`, 202, fleet(`{"device_group_id": 2, "cron_jobs": ["nightly"]}`)},
		{"PUT", "/device_groups/fleet/update", `{"cron_jobs": ["nightly", "web"]}`, 403, noCronJob},
		{"PUT", "/device_groups/fleet/update", `{"cron_jobs": ["nightly", "nightly"]}`, 400, `{"cron_jobs": "\"nightly\" is listed twice"}`},

		// As strict as for apps.
		{"POST", "/cron_jobs/new", `[]`, 400, `{"body": "must be an object, not array"}`},
		{"POST", "/cron_jobs/new", `{"schedule": "* * * * *", "schedule": "1 * * * *"}`, 400, `{"body": "has the key \"schedule\" twice"}`},
		{"POST", "/cron_jobs/new", merge(someJob, `{"starting_ports": [80]}`), 400, `{"starting_ports": "unknown field"}`},
		{"POST", "/cron_jobs/new", merge(someJob, `{"running": null}`), 400, `{"running": "must be true or false, not null"}`},
		{"POST", "/cron_jobs/new", merge(someJob, `{"env_vars": null}`), 400, `{"env_vars": "must be a dict or an empty list, not null"}`},
		{"POST", "/cron_jobs/new", merge(someJob, `{"networks": ["none", "bridge"]}`), 400, `{"networks": "\"none\" must stand alone"}`},
		{"POST", "/cron_jobs/new", merge(someJob, `{"docker_image": "Img"}`), 400,
			`{"docker_image": "invalid reference format: repository name (library/Img) must be lowercase"}`},
		{"POST", "/cron_jobs/-x", someJob, 400, `{"invalid_name": "must start with a letter or digit"}`},
		{"GET", "/cron_jobs/a%20b", ``, 400, `{"invalid_name": "may only contain letters, digits, '_', '-' and '.'"}`},
		{"POST", "/cron_jobs/new", `{"docker_image": "img", "cron_job_id": "` + strings.Repeat("x", 1<<20) + `"}`, 400,
			`{"body": "must not be larger than 1048576 bytes"}`},
	})
}

// What devices are told follows every change of a cron_job at once.
func TestInfoFollowsCronJobs(t *testing.T) { onEveryStore(t, testInfoFollowsCronJobs) }

func testInfoFollowsCronJobs(t *testing.T, open opener) {
	m := open.manager(t)
	m.fill()
	for _, tc := range []struct {
		method, path, body string
		want               func(topics.Config) bool
	}{
		{"PUT", "/device_groups/fleet/update", `{"cron_jobs": ["nightly"]}`, func(c topics.Config) bool { return len(c.CronJobs) == 1 && c.CronJobsList[0] == "nightly" }},
		{"PUT", "/cron_jobs/nightly/update", `{"schedule": "9 * * * *"}`, func(c topics.Config) bool {
			return c.CronJobs[0].Schedule == "9 * * * *" && c.CronJobs[0].CronJobID == 2
		}},
		{"DELETE", "/cron_jobs/nightly", ``, func(c topics.Config) bool { return len(c.CronJobs) == 0 && len(c.CronJobsList) == 0 }},
		{"POST", "/cron_jobs/nightly", someJob, func(c topics.Config) bool { return len(c.CronJobs) == 1 && c.CronJobs[0].CronJobID == 1 }},
	} {
		m.follows(tc.method, tc.path, tc.body, tc.want)
	}
	huge := merge(someJob, `{"env_vars": {"BIG": "`+strings.Repeat("x", 70<<10)+`"}}`)
	if w := m.do("POST", "/cron_jobs/nightly/update", huge); w.Code != 400 || !strings.Contains(w.Body.String(), `{"config":`) {
		t.Errorf("too large for a config: %d %.200s", w.Code, w.Body)
	}
	if c := m.info("fleet"); c.CronJobs[0].CronJobID != 1 {
		t.Errorf("refused, but changed: %+v", c.CronJobs)
	}
}
