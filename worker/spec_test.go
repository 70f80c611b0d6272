package worker

import (
	"reflect"
	"testing"

	"muster/topics"
)

func TestSpecHashNeverChanges(t *testing.T) {
	app := web(onPorts(80), withID(3))
	app.EnvVars = topics.EnvVars{"B": "2", "A": "1"}
	app.Volumes, app.Devices, app.Privileged = []string{"/a:/b"}, []string{"/dev/null:/dev/null"}, true
	plain := specOf(t, app)
	app.ContainerOptions, app.AppOptions = everyOption(), everyAppOption()
	// A worker that hashes differently replaces every container of the fleet when it is upgraded.
	for _, test := range []struct {
		spec Spec
		want string
	}{
		{Spec{App: "web", AppID: 1, Image: "nginx:1"}, "92c6d253cb61f2748c8fe7e8b33f7561"},
		{plain, "5f919c1f5dd07340adc6d85f2d49ca7b"},
		{specOf(t, app), "f6ba78b0242bfc344a6045805ed2eb55"},
		{NewCronSpec(topics.NewCronJob("web", "* * * * *", "nginx:1")), "ce7bd0200025084a4089503cab351836"},
	} {
		if got := test.spec.Hash(); got != test.want {
			t.Errorf("Hash(%+v) = %s, want %s", test.spec, got, test.want)
		}
	}
}

// A container is made anew for each option that changes.
func TestSpecHashKnowsEveryOption(t *testing.T) {
	container, app := reflect.TypeFor[topics.ContainerOptions](), reflect.TypeFor[topics.AppOptions]()
	if container.NumField() != 13 || app.NumField() != 3 {
		t.Errorf("there are %d and %d options, this test knows 13 and 3", container.NumField(), app.NumField())
	}
	without := specOf(t, web())
	for i := range container.NumField() {
		with := web()
		reflect.ValueOf(&with.ContainerOptions).Elem().Field(i).Set(reflect.ValueOf(everyOption()).Field(i))
		if specOf(t, with).Hash() == without.Hash() {
			t.Errorf("the hash does not know %s", container.Field(i).Name)
		}
	}
	for i := range app.NumField() {
		with := web()
		reflect.ValueOf(&with.AppOptions).Elem().Field(i).Set(reflect.ValueOf(everyAppOption()).Field(i))
		// What an app depends on is not what its containers are made from.
		if name := app.Field(i).Name; (specOf(t, with).Hash() == without.Hash()) != (name == "DependsOn") {
			t.Errorf("the hash and %s: it must know all but DependsOn", name)
		}
	}
}

// A run of a cron_job is not taken for a container of the app of that name, nor the other way round.
func TestCronSpec(t *testing.T) {
	job := topics.NewCronJob("web", "* * * * *", "nginx:1")
	job.EnvVars, job.Volumes, job.Devices, job.Privileged = topics.EnvVars{"A": "1"}, []string{"/a:/b"}, []string{"/dev/null:/dev/null"}, true
	job.CronJobID, job.ContainerOptions = 7, everyOption()
	want := Spec{CronJob: "web", AppID: 7, Image: "nginx:1", Env: job.EnvVars, Networks: job.Networks, Volumes: job.Volumes,
		Devices: job.Devices, Privileged: true, ContainerOptions: everyOption(), RestartPolicy: "no"}
	if got := NewCronSpec(job); !reflect.DeepEqual(got, want) {
		t.Errorf("NewCronSpec = %+v, want %+v", got, want)
	}
	if got := NewCronSpec(job).Name(); got != "web.cron" {
		t.Errorf("its name is %s, want web.cron", got)
	}
}

func specOf(t *testing.T, app topics.App) Spec {
	t.Helper()
	spec, err := NewSpec(app, 1)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func everyOption() topics.ContainerOptions {
	return topics.ContainerOptions{
		Command: []string{"serve", "-v"}, Entrypoint: []string{"/bin/app"}, User: "1000:1000", MemoryLimitMB: 64, CPUs: 0.5,
		Labels: map[string]string{"b": "2", "a": "1"}, LogMaxMB: 10, StopGraceSeconds: new(0), ReadOnly: true,
		CapAdd: []string{"NET_ADMIN"}, CapDrop: []string{"ALL"}, Tmpfs: []string{"/run"}, ExtraHosts: []string{"till:10.0.0.1"},
	}
}

func everyAppOption() topics.AppOptions {
	return topics.AppOptions{
		RestartPolicy: topics.RestartOnFailure, Healthcheck: &topics.Healthcheck{Test: []string{"NONE"}}, DependsOn: []string{"db"},
	}
}
