package api_test

import "testing"

// The bytes of an answer are part of the contract: people compare and store them.
func TestGolden(t *testing.T) { onEveryStore(t, testGolden) }

func testGolden(t *testing.T, open opener) {
	m := open.manager(t)
	for _, tc := range []struct{ method, path, body, want string }{
		{"POST", "/apps/a", `{"docker_image": "img"}`,
			`{"app_id":1,"app_name":"a","docker_image":"img","starting_ports":[],"containers_per":{"server":1},"env_vars":{},"running":true,"networks":["nebula","bridge"],"volumes":[],"devices":[],"privileged":false,"rolling_restart":false}`},
		{"POST", "/apps/a/update", `{"docker_image": "img"}`,
			`{"app_id":2,"app_name":"a","docker_image":"img","starting_ports":[],"containers_per":{"server":1},"env_vars":[],"running":true,"networks":["nebula","bridge"],"volumes":[],"devices":[],"privileged":false,"rolling_restart":false}`},
		{"PUT", "/apps/a/update", fullApp,
			`{"app_id":3,"app_name":"a","docker_image":"r.example:5000/a/b:v1","starting_ports":[80,{"81":"82"}],"containers_per":{"cpu":0.5},"env_vars":{"B":"2"},"running":false,"networks":["host"],"volumes":["/a:/b:ro"],"devices":["/dev/x:/dev/y:rw"],"privileged":true,"rolling_restart":true}`},
		{"POST", "/cron_jobs/c", `{"docker_image": "img", "schedule": "0 4 * * *"}`,
			`{"cron_job_id":1,"cron_job_name":"c","schedule":"0 4 * * *","docker_image":"img","env_vars":{},"running":true,"networks":["nebula","bridge"],"volumes":[],"devices":[],"privileged":false}`},
		{"POST", "/device_groups/g", `{"apps": ["a"]}`,
			`{"device_group":"g","device_group_id":1,"prune_id":1,"apps":["a"],"cron_jobs":[]}`},
		{"GET", "/device_groups", ``, `{"device_groups":["g"]}`},
		{"DELETE", "/apps/a", ``, `{}`},
	} {
		if got := m.do(tc.method, tc.path, tc.body).Body.String(); got != tc.want+"\n" {
			t.Errorf("%s %s:\n got %s\nwant %s", tc.method, tc.path, got, tc.want)
		}
	}
}
