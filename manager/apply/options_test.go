package apply_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"muster/manager/apply"
	"muster/topics"
)

const (
	containerOptions = `
    command: [serve, ""]
    entrypoint: [/app]
    user: "1000"
    memory_limit_mb: 64
    cpus: 0.5
    labels: {team: shops}
    log_max_mb: 10
    stop_grace_seconds: 0
    read_only: true
    cap_add: [NET_ADMIN]
    cap_drop: [ALL]
    tmpfs: ["/run:size=1m"]
    extra_hosts: ["till:10.0.0.1"]`
	appOptions = `
    restart_policy: no
    healthcheck: {test: [NONE]}
    depends_on: [db]`
	optionFleet = "apps:\n  web:\n    docker_image: iAPP\n  db: {docker_image: i}\n" +
		"cron_jobs:\n  c:\n    docker_image: i\n    schedule: '0 4 * * *'JOB\n"
)

// Options are a file's like other fields: what it does not say any more is gone.
func TestOptionsOfFiles(t *testing.T) {
	r := setUp(t)
	none := strings.NewReplacer("APP", "", "JOB", "").Replace(optionFleet)
	all := strings.NewReplacer("APP", containerOptions+appOptions, "JOB", containerOptions).Replace(optionFleet)
	for _, options := range []reflect.Type{reflect.TypeFor[topics.ContainerOptions](), reflect.TypeFor[topics.AppOptions]()} {
		for field := range options.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if !strings.Contains(all, "\n    "+name+": ") {
				t.Errorf("the file does not have %s", name)
			}
		}
	}
	r.apply(none, false, `create app "db"`, `create app "web"`, `create cron_job "c"`)
	r.applied(all)
	web, err := r.client.Apps().Get(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	want := topics.AppOptions{RestartPolicy: "no", Healthcheck: &topics.Healthcheck{Test: []string{"NONE"}}, DependsOn: []string{"db"}}
	if diff := cmp.Diff(want, web.AppOptions); diff != "" || web.CPUs != 0.5 || web.StopGraceSeconds == nil {
		t.Errorf("options %+v (-want +got):\n%s", web.ContainerOptions, diff)
	}
	r.applied(strings.Replace(all, "cpus: 0.5", "cpus: 1.5", 1), "cpus: 0.5 → 1.5")
	r.applied(all)
	r.applied(none, "cpus: 0.5 → (none)", "healthcheck: {\"test\":[\"NONE\"]} → (none)", "stop_grace_seconds: 0 → (none)")
	if web, err = r.client.Apps().Get(t.Context(), "web"); err != nil || !reflect.DeepEqual(web.AppOptions, topics.AppOptions{}) || !reflect.DeepEqual(web.ContainerOptions, topics.ContainerOptions{}) {
		t.Errorf("app %+v, %v", web, err)
	}
}

// applied runs a plan whose steps are to say all that, and expects that nothing is left to do.
func (r rig) applied(files string, says ...string) {
	r.Helper()
	p := r.plan(files, true)
	var said strings.Builder
	for _, s := range p.Steps {
		said.WriteString(s.Text() + "\n")
	}
	for _, line := range says {
		if !strings.Contains(said.String(), "\n    "+line+"\n") {
			r.Errorf("the plan does not say %q:\n%s", line, said.String())
		}
	}
	if err := p.Run(r.Context(), r.failed); err != nil {
		r.Fatal(err)
	}
	if p := r.plan(files, true); len(p.Steps) != 0 {
		r.Errorf("left to do: %v", p.Steps)
	}
}

func (r rig) failed(s apply.Step, err error) {
	if err != nil {
		r.Errorf("%v: %v", s, err)
	}
}

func TestMistakesInOptions(t *testing.T) {
	r := setUp(t)
	for option, want := range map[string]string{
		`command: serve`:                         `command: must be a list`,
		`cap_add: [NET_ADMNI]`:                   `cap_add: "NET_ADMNI" is no Linux capability`,
		`cpus: 0`:                                ``,
		`stop_grace_seconds: 10`:                 ``,
		`Cpus: 1`:                                `Cpus: unknown field`,
		`healthcheck: {Retries: 1}`:              `healthcheck.Retries: unknown field`,
		`healthcheck: {retry: 1}`:                `retry: unknown field`,
		`healthcheck: {retries: many}`:           `healthcheck.retries: must be an integer in range`,
		`memory_limit_mb: 5`:                     `memory_limit_mb: must be 6 to 16777216`,
		`labels: {muster.spec: x}`:               `labels.muster.spec: is a label that the worker itself sets`,
		`ContainerOptions: {}`:                   `ContainerOptions: unknown field`,
		`restart_policy: sometimes`:              `restart_policy: must be one of`,
		`depends_on: [a]`:                        `depends_on: an app cannot depend on itself`,
		`tmpfs: [/a], volumes: ["v:/a"]`:         `tmpfs: "/a" is in volumes as well`,
		`user: 1000`:                             `user: must be a string`,
		`extra_hosts: ["a:b"]`:                   `extra_hosts: must be name:address`,
		`read_only: 1`:                           `read_only: must be true or false`,
		`cpus: 0.3333`:                           `cpus: must be 0.01 to 1024`,
		`labels: {a: 1}`:                         `labels: must be a string`,
		`entrypoint: [""]`:                       `entrypoint: [""] leaves out the image's`,
		`healthcheck: {test: [wget, localhost]}`: `healthcheck.test: must be`,
	} {
		p, err := r.tryPlan("apps: {a: {docker_image: i, "+option+"}}", false)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), `app "a": `+want)) {
			t.Errorf("%s: %v, %v, want %q", option, p.Steps, err, want)
		}
	}
}
