package apply_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"muster/manager/api/apitest"
	"muster/manager/apply"
	"muster/manager/client"
)

// A rig is a manager and a client of it.
type rig struct {
	*testing.T
	server *apitest.Server
	client *client.Client
}

func setUp(t *testing.T) rig {
	server := apitest.Start(t)
	c, err := client.New(client.Options{URL: server.URL, Token: apitest.Token, Retry: -1})
	if err != nil {
		t.Fatal(err)
	}
	return rig{t, server, c}
}

func (r rig) plan(files string, prune bool) apply.Plan {
	r.Helper()
	p, err := r.tryPlan(files, prune)
	if err != nil {
		r.Fatal(err)
	}
	return p
}

func (r rig) tryPlan(files string, prune bool) (apply.Plan, error) {
	fleet, err := apply.Read([]string{apply.Stdin}, strings.NewReader(files))
	if err != nil {
		return apply.Plan{}, err
	}
	return apply.Make(r.Context(), r.client, fleet, prune)
}

// apply runs the plan and checks what it says of itself, sorted within "|".
func (r rig) apply(files string, prune bool, want ...string) {
	r.Helper()
	p := r.plan(files, prune)
	var got []string
	if err := p.Run(r.Context(), func(s apply.Step, err error) { got = append(got, s.Text()) }); err != nil {
		r.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		r.Errorf("done (-want +got):\n%s", diff)
	}
}

const fleet = `
apps:
  web: {docker_image: "nginx:1", starting_ports: [80, {8443: 443}], env_vars: {PASSWORD: s3cret}}
  db: {docker_image: postgres, containers_per: {server: 2}}
cron_jobs:
  clean: {schedule: "0 4 * * *", docker_image: busybox}
device_groups:
  shops: {apps: [web, db], cron_jobs: [clean]}
user_groups:
  ops: {group_members: [ann], pruning_allowed: true, apps: {web: rw}, device_groups: {shops: ro}}
`

func TestApply(t *testing.T) {
	r := setUp(t)
	r.apply(fleet, false, `create app "db"`, `create app "web"`, `create cron_job "clean"`, `create device_group "shops"`, `create user_group "ops"`)

	p := r.plan(fleet, true)
	if len(p.Steps) != 0 || p.Same != 5 {
		t.Errorf("the second time: %v, %d the same", p.Steps, p.Same)
	}
	web, err := r.client.Apps().Get(t.Context(), "web")
	if err != nil || web.AppID != 1 || web.DockerImage != "nginx:1" || web.EnvVars["PASSWORD"] != "s3cret" || len(web.StartingPorts) != 2 {
		t.Errorf("app %+v, %v", web, err)
	}

	changed := strings.NewReplacer(
		"nginx:1", "nginx:2", "s3cret", "n3w", "{server: 2}", "{server: 1}", "0 4 * * *", "0 5 * * *", "[web, db]", "[web]", "web: rw", "web: ro",
	).Replace(fleet)
	r.apply(changed, false,
		"change app \"db\"\n    containers_per: {\"server\":2} → {\"server\":1}",
		"change app \"web\"\n    docker_image: \"nginx:1\" → \"nginx:2\"\n    env_vars.PASSWORD: differs (not shown)",
		"change cron_job \"clean\"\n    schedule: \"0 4 * * *\" → \"0 5 * * *\"",
		"change device_group \"shops\"\n    apps: [\"web\",\"db\"] → [\"web\"]",
		"change user_group \"ops\"\n    apps: {\"web\":\"rw\"} → {\"web\":\"ro\"}",
	)
	if web, err = r.client.Apps().Get(t.Context(), "web"); err != nil || web.AppID != 2 || web.EnvVars["PASSWORD"] != "n3w" {
		t.Errorf("changed app %+v, %v", web, err)
	}

	// What a file no longer names goes only with prune, and only of kinds that it has a key for.
	rest := "apps: {web: {docker_image: \"nginx:2\", starting_ports: [80, {8443: 443}]}}\ndevice_groups: {}\n"
	r.apply(rest, false, "change app \"web\"\n    env_vars.PASSWORD: differs (not shown)")
	more := rest + "user_groups: {ops: {admin: true}}\ncron_jobs: {x: {schedule: '* * * * *', docker_image: i}, y: {schedule: '* * * * *', docker_image: i}, z: {schedule: '* * * * *', docker_image: i}}"
	if got := r.plan(more, true).Summary(); got != "3 to create, 1 to change, 3 to delete, 1 as they should be" {
		t.Error(got)
	}
	r.apply(rest, true, `delete device_group "shops"`, `delete app "db"`)
	for kind, names := range map[string]func() ([]string, error){
		"web":   func() ([]string, error) { return r.client.Apps().Names(t.Context()) },
		"clean": func() ([]string, error) { return r.client.CronJobs().Names(t.Context()) },
		"":      func() ([]string, error) { return r.client.DeviceGroups().Names(t.Context()) },
		"ops":   func() ([]string, error) { return r.client.UserGroups().Names(t.Context()) },
	} {
		if got, err := names(); err != nil || strings.Join(got, " ") != kind {
			t.Errorf("left are %v, want %q; %v", got, kind, err)
		}
	}
}

// Whoever stopped an app had a reason, which a file that does not speak of it does not know.
func TestStoppedStaysStopped(t *testing.T) {
	r := setUp(t)
	r.apply("apps: {a: {docker_image: i}}", false, `create app "a"`)
	if _, err := r.client.StopApp(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	r.apply("apps: {a: {docker_image: i}}", false)
	r.apply("apps: {a: {docker_image: j}}", false, "change app \"a\"\n    docker_image: \"i\" → \"j\"")
	if a, err := r.client.Apps().Get(t.Context(), "a"); err != nil || a.Running {
		t.Errorf("app %+v, %v", a, err)
	}
	r.apply("apps: {a: {docker_image: j, running: true}}", false, "change app \"a\"\n    running: false → true")
}

// The same thing written otherwise is the same thing.
func TestNoDifference(t *testing.T) {
	r := setUp(t)
	if _, err := r.client.Apps().Create(t.Context(), "a", map[string]any{"docker_image": "i", "starting_ports": []any{80, map[string]string{"81": "81"}}, "env_vars": []string{}}); err != nil {
		t.Fatal(err)
	}
	for _, same := range []string{
		`apps: {a: {docker_image: i, starting_ports: [{80: 80}, 81]}}`,
		`apps: {a: {docker_image: i, starting_ports: [80, 81], env_vars: {}, app_id: 0, app_name: b}}`,
		`apps: {a: {docker_image: i, starting_ports: [80, {"81": "81"}], env_vars: [], volumes: [], networks: [nebula, bridge], privileged: false}}`,
	} {
		if p := r.plan(same, true); len(p.Steps) != 0 || p.Same != 1 {
			t.Errorf("%s: %v", same, p.Steps)
		}
	}
}

func TestMistakesAreFoundBeforehand(t *testing.T) {
	r := setUp(t)
	r.apply("apps: {there: {docker_image: i}}", false, `create app "there"`)
	for _, tc := range []struct{ files, want string }{
		{"apps: {a: {}}", `stdin:1: app "a": docker_image: must not be empty`},
		{"apps: {a: {docker_image: UPPER}}", `stdin:1: app "a": docker_image: `},
		{"apps: {a: {docker_image: i, image: j}}", `app "a": image: unknown field`},
		{"apps: {a: {docker_image: [i]}}", `app "a": docker_image: must be a string, not array`},
		{"apps: {a: {docker_image: i, starting_ports: [99999]}}", `app "a": starting_ports: invalid port`},
		{"apps: {a: {docker_image: i, containers_per: {server: 0}}}", `app "a": containers_per.server: must be above 0`},
		{"apps: {'a b': {docker_image: i}}", `app "a b": app_name: `},
		{"cron_jobs: {c: {docker_image: i}}", `cron_job "c": schedule: must not be empty`},
		{"cron_jobs: {c: {docker_image: i, schedule: '@reboot'}}", `cron_job "c": schedule: must have five fields`},
		{"cron_jobs: {c: {docker_image: UPPER, schedule: '0 4 * * *'}}", `cron_job "c": docker_image: `},
		{"device_groups: {g: {apps: [none]}}", `stdin:1: device_group "g": apps: "none" does not exist and is in no file`},
		{"device_groups: {g: {cron_jobs: [none]}}", `device_group "g": cron_jobs: "none" does not exist`},
		{"device_groups: {g: {apps: [there, there]}}", `device_group "g": apps: "there" is listed twice`},
		{"device_groups: {g: {cron_jobs: [c, c]}}", `device_group "g": cron_jobs: "c" is listed twice`},
		{"device_groups: {g: {apps: there}}", `device_group "g": apps: must be a list`},
		{"device_groups: {g.h: {}}", `device_group "g.h": `},
		{"user_groups: {u: {apps: {there: write}}}", `user_group "u": apps.there: must be "ro" or "rw", is "write"`},
		{"user_groups: {u: {device_groups: {g: RO}}}", `user_group "u": device_groups.g: must be "ro" or "rw", is "RO"`},
		{"user_groups: {u: {cron_jobs: {c: ''}}}", `user_group "u": cron_jobs.c: must be "ro" or "rw", is ""`},
		{"apps: {a: {Docker_Image: i}}", `app "a": Docker_Image: unknown field`},
		{"apps: {a: {docker_image: i, RUNNING: false}}", `app "a": RUNNING: unknown field`},
		{"user_groups: {u: {Admin: true}}", `user_group "u": Admin: unknown field`},
		{"user_groups: {'a b': {}}", `user_group "a b": invalid name`},
		{"user_groups: {'': {}}", `user_group "": invalid name`},
		{"user_groups: {u: {group_members: [ann, ann]}}", `user_group "u": group_members: "ann" is listed twice`},
		{"apps: {a: {}}\ndevice_groups: {g: {apps: [none]}}", `stdin:2: device_group "g"`}, // beside the first
		{"apps:\n a: {docker_image: 1}\n b: {docker_image: 2}", `app "b"`},
	} {
		if p, err := r.tryPlan(tc.files, false); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, %v, want %q", tc.files, p.Steps, err, tc.want)
		}
	}
	if names, err := r.client.Apps().Names(t.Context()); err != nil || !slices.Equal(names, []string{"there"}) {
		t.Errorf("apps %v, %v", names, err)
	}
	if p := r.plan("device_groups: {g: {apps: [there, new]}}\napps: {new: {docker_image: i}}", false); len(p.Steps) != 2 {
		t.Errorf("an app of the manager and one of the file: %v", p.Steps)
	}
}

// One mistake of many does not keep the manager from being made what the rest says.
func TestRefusedSteps(t *testing.T) {
	r := setUp(t)
	files := "apps:\n  a: {docker_image: i}\n  b: {docker_image: i}\n  c: {docker_image: i}\ndevice_groups: {g: {apps: [a, b]}}"
	p := r.plan(files, false)
	// Somebody else is quicker.
	if _, err := r.client.Apps().Create(t.Context(), "b", map[string]any{"docker_image": "j"}); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := p.Run(t.Context(), func(s apply.Step, err error) { got = append(got, fmt.Sprint(s, " ", err)) })
	want := []string{`create app "a" <nil>`, `create app "c" <nil>`, `create device_group "g" <nil>`, `create app "b" app "b" exists already`}
	if diff := cmp.Diff(want, got); diff != "" || err == nil || err.Error() != "1 of 4 steps failed" {
		t.Errorf("%v; done (-want +got):\n%s", err, diff)
	}
}

func TestManagerIsGone(t *testing.T) {
	r := setUp(t)
	var files strings.Builder
	files.WriteString("apps:\n")
	for i := range 100 {
		fmt.Fprintf(&files, "  a%d: {docker_image: i}\n", i)
	}
	p := r.plan(files.String(), false)
	r.server.Close()
	var tried, left int
	err := p.Run(t.Context(), func(s apply.Step, err error) {
		switch {
		case err == nil:
			t.Errorf("%v: done", s)
		case err.Error() == "was not tried":
			left++
		default:
			tried++
		}
	})
	if err == nil || tried < 1 || tried > 16 || tried+left != 100 {
		t.Errorf("%v: %d tried, %d left", err, tried, left)
	}
}

func TestExportIsAFleet(t *testing.T) {
	r := setUp(t)
	r.plan(fleet, false)
	if err := r.plan(fleet, false).Run(t.Context(), func(apply.Step, error) {}); err != nil {
		t.Fatal(err)
	}
	all, err := apply.Export(t.Context(), r.client)
	if err != nil {
		t.Fatal(err)
	}
	p := r.plan(encode(t, all), true)
	if len(p.Steps) != 0 || p.Same != 5 {
		t.Errorf("%v, %d the same", p.Steps, p.Same)
	}
}

func encode(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
