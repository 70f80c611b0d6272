package admin_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"muster/manager/store"
)

const fleet = `
apps:
  web: {docker_image: "nginx:1", env_vars: {PASSWORD: s3cret}}
device_groups:
  shops: {apps: [web]}
`

func TestApply(t *testing.T) {
	server := manager(t)
	musterReads(t, fleet, "apply", "-f", "-", "--dry-run").want(t, 3,
		"create app \"web\"\ncreate device_group \"shops\"\n2 to create, 0 to change, 0 to delete, 0 as they should be\n", "")
	if _, err := server.Store.Apps().Get(t.Context(), "web"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a dry run made it: %v", err)
	}
	musterReads(t, fleet, "apply", "-f", "-").want(t, 0,
		"create app \"web\"\ncreate device_group \"shops\"\ndone: 2 to create, 0 to change, 0 to delete, 0 as they should be\n", "")
	musterReads(t, fleet, "apply", "-f", "-", "--dry-run").want(t, 0, "0 to create, 0 to change, 0 to delete, 2 as they should be\n", "")

	changed := strings.NewReplacer("nginx:1", "nginx:2", "s3cret", "n3w").Replace(fleet) + "cron_jobs: {}\n"
	const step = "change app \"web\"\n    docker_image: \"nginx:1\" → \"nginx:2\"\n    env_vars.PASSWORD: differs (not shown)\n"
	musterReads(t, changed, "apply", "-f", "-", "--dry-run").want(t, 3, step+"0 to create, 1 to change, 0 to delete, 1 as they should be\n", "")
	musterReads(t, changed, "apply", "-f", "-").want(t, 0, step+"done: 0 to create, 1 to change, 0 to delete, 1 as they should be\n", "")

	musterReads(t, "device_groups: {}", "apply", "-f", "-", "--prune").want(t, 0,
		"delete device_group \"shops\"\ndone: 0 to create, 0 to change, 1 to delete, 0 as they should be\n", "")
}

func TestApplyForScripts(t *testing.T) {
	manager(t)
	type plan struct {
		Steps []struct{ Action, Kind, Name string }
		Same  int
	}
	r := musterReads(t, fleet, "apply", "-f", "-", "--dry-run", "-o", "json")
	var p plan
	if err := json.Unmarshal([]byte(r.stdout), &p); err != nil || r.code != 3 || len(p.Steps) != 2 || p.Steps[1].Kind != "device_group" || p.Steps[1].Action != "create" {
		t.Errorf("%+v, %v", r, err)
	}
	musterReads(t, fleet, "apply", "-f", "-", "-o", "json").want(t, 0,
		`{"action":"create","kind":"app","name":"web"}`+"\n"+`{"action":"create","kind":"device_group","name":"shops"}`+"\n", "")
	r = musterReads(t, fleet, "apply", "-f", "-", "--dry-run", "-o", "json")
	if err := json.Unmarshal([]byte(r.stdout), &p); err != nil || r.code != 0 || len(p.Steps) != 0 || p.Same != 2 || !strings.Contains(r.stdout, `"steps": []`) {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestApplyRefuses(t *testing.T) {
	manager(t)
	for _, tc := range []struct {
		stdin  string
		args   []string
		code   int
		stderr string
	}{
		{"", nil, 2, "muster: required flag(s) \"file\" not set\n"},
		{"", []string{"-f", "/does/not/exist"}, 2, "muster: stat /does/not/exist: no such file or directory\n"},
		{"apps: [", []string{"-f", "-"}, 2, "muster: stdin: yaml: line 1: did not find expected node content\n"},
		{
			"apps:\n  a: {}\n  b: {docker_image: i, x: 1}", []string{"-f", "-"}, 2,
			"stdin:2: app \"a\": docker_image: must not be empty\nstdin:3: app \"b\": x: unknown field\nmuster: nothing was changed: the files have mistakes: 2\n",
		},
		{ // what only the manager can tell
			"apps: {a: {docker_image: i, env_vars: {A: " + strings.Repeat("x", 70_000) + "}}}\ndevice_groups: {g: {apps: [a]}}", []string{"-f", "-"}, 1,
			"create device_group \"g\": device_group \"g\": config: ",
		},
	} {
		r := musterReads(t, tc.stdin, append([]string{"apply"}, tc.args...)...)
		if r.code != tc.code || !strings.HasPrefix(r.stderr, tc.stderr) {
			t.Errorf("%.60s %v: %+v, want %d %q", tc.stdin, tc.args, r, tc.code, tc.stderr)
		}
	}
}

func TestExportCanBeApplied(t *testing.T) {
	shops(t)
	for _, format := range []string{"yaml", "json"} {
		exported := muster(t, "export", "-o", format)
		if exported.code != 0 || !strings.Contains(exported.stdout, "a=1&b=<2>") {
			t.Errorf("%+v", exported)
		}
		r := musterReads(t, exported.stdout, "apply", "-f", "-", "--dry-run", "--prune")
		if r.code != 0 || !strings.HasPrefix(r.stdout, "0 to create, 0 to change, 0 to delete, ") {
			t.Errorf("%s: %+v", format, r)
		}
	}
}
