package worker

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/topics"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// web is an app of one container; the options change it.
func web(options ...func(*topics.App)) topics.App {
	app := topics.NewApp("web", "nginx:1")
	for _, o := range options {
		o(&app)
	}
	return app
}

func named(name string) func(*topics.App) { return func(a *topics.App) { a.AppName = name } }
func withID(id int64) func(*topics.App)   { return func(a *topics.App) { a.AppID = id } }
func image(ref string) func(*topics.App)  { return func(a *topics.App) { a.DockerImage = ref } }
func policy(p string) func(*topics.App)   { return func(a *topics.App) { a.RestartPolicy = p } }
func stopped(a *topics.App)               { a.Running = false }
func rolling(a *topics.App)               { a.RollingRestart = true }
func hostNetwork(a *topics.App)           { a.Networks = []string{"host"} }
func per(unit string, count float64) func(*topics.App) {
	return func(a *topics.App) { a.ContainersPer = topics.ContainersPer{Unit: unit, Count: count} }
}
func onPorts(list ...int) func(*topics.App) {
	return func(a *topics.App) {
		for _, p := range list {
			a.StartingPorts = append(a.StartingPorts, topics.Port{Host: p, Container: p})
		}
	}
}

// made is a container of the app as it is now, in that state.
func made(app topics.App, index int, state string) Container {
	spec, err := NewSpec(app, index)
	if err != nil {
		panic(err)
	}
	return Container{ID: "id-" + spec.Name(), Name: spec.Name(), App: spec.App, Index: index, Spec: spec.Hash(), State: state}
}

// old is a container of an earlier version of the app.
func old(app topics.App, index int, state string) Container {
	c := made(app, index, state)
	c.Spec = "old"
	return c
}

// staged is a container of the app as it is now that is to take the place of another one.
func staged(app topics.App, index int) Container {
	c := made(app, index, "created")
	return called(c, c.Name+".next")
}

func detail(c Container, text string) Container { c.Detail = text; return c }
func called(c Container, name string) Container { c.Name, c.ID = name, "id-"+name; return c }

// hasPulled is a memory in which the apps' images were pulled.
func hasPulled(apps ...topics.App) memory {
	m := memory{images: images{pulled: map[string]pulled{}, gone: map[string]string{}}}
	for _, a := range apps {
		m.images.pulled[a.AppName] = versionOf(a)
	}
	return m
}

// lines says the steps in short: "verb what", with the trouble behind it.
func lines(steps []Step) []string {
	list := []string{}
	for _, s := range steps {
		line := string(s.Verb) + " " + s.Container
		if s.Verb == Pull {
			line = "pull " + s.Image
		}
		if s.Trouble != "" {
			line += " ! " + s.Trouble
		}
		list = append(list, strings.ReplaceAll(line, "  ", " "))
	}
	return list
}

func TestPlan(t *testing.T) {
	two := web(per("server", 2))
	failed := func(next time.Time) memory {
		m := hasPulled(web())
		m.apps = map[string]*trouble{"web": {retry: &retry{next: next, reason: "no space"}}}
		return m
	}
	spread := func(due time.Time, apps ...topics.App) memory {
		m := hasPulled(apps...)
		m.spread = map[string]time.Time{"web": due}
		return m
	}
	tests := []struct {
		name string
		apps []topics.App
		seen []Container
		mem  memory
		want []string
	}{
		{name: "changed, waits for its random time", apps: []topics.App{web(withID(2))}, mem: spread(noon.Add(time.Second)),
			seen: []Container{old(web(), 0, "running")}, want: []string{"wait web-1", "wait web-1.next", "wait "}},
		{name: "changed and pulled, waits for its random time", apps: []topics.App{web()}, mem: spread(noon.Add(time.Second), web()),
			seen: []Container{old(web(), 0, "running")}, want: []string{"wait web-1", "wait web-1.next", "wait "}},
		{name: "changed, its random time has come", apps: []topics.App{web()}, mem: spread(noon, web()),
			seen: []Container{old(web(), 0, "running")}, want: []string{"wait web-1", "stage web-1.next"}},
		{name: "waits for its random time, and has nothing to make", apps: []topics.App{web()}, mem: spread(noon.Add(time.Second), web()),
			seen: []Container{made(web(), 0, "exited"), old(web(), 1, "running")}, want: []string{"remove web-2", "start web-1"}},
		{name: "stopped, which waits for nothing", apps: []topics.App{web(stopped)}, mem: spread(noon.Add(time.Second)),
			seen: []Container{old(web(), 0, "running")}, want: []string{"remove web-1"}},
		{name: "nothing wanted, nothing there", want: []string{}},
		{name: "runs as wanted", apps: []topics.App{web()}, seen: []Container{made(web(), 0, "running")},
			want: []string{"keep web-1"}},
		{name: "missing, image never pulled", apps: []topics.App{web()},
			want: []string{"wait web-1", "pull nginx:1"}},
		{name: "missing, image pulled before", apps: []topics.App{web()}, mem: hasPulled(web()),
			want: []string{"create web-1"}},
		{name: "missing, image pulled for the app_id before", apps: []topics.App{web(withID(2))}, mem: hasPulled(web()),
			want: []string{"wait web-1", "pull nginx:1"}},
		{name: "missing, another image pulled", apps: []topics.App{web(image("nginx:2"))}, mem: hasPulled(web()),
			want: []string{"wait web-1", "pull nginx:2"}},
		{name: "missing, image pulled but gone", apps: []topics.App{web()},
			mem:  memory{images: images{pulled: hasPulled(web()).images.pulled, gone: map[string]string{"web": "nginx:1"}}},
			want: []string{"wait web-1", "pull nginx:1"}},
		{name: "missing, another image gone", apps: []topics.App{web()},
			mem:  memory{images: images{pulled: hasPulled(web()).images.pulled, gone: map[string]string{"web": "nginx:0"}}},
			want: []string{"create web-1"}},
		{name: "missing, image pinned", apps: []topics.App{web(image("nginx@sha256:" + strings.Repeat("a", 64)))},
			want: []string{"create web-1"}},
		{name: "missing, image pinned but gone", apps: []topics.App{web(image("nginx@sha256:aa"))},
			mem:  memory{images: images{gone: map[string]string{"web": "nginx@sha256:aa"}}},
			want: []string{"wait web-1", "pull nginx@sha256:aa"}},
		{name: "one missing beside one that runs", apps: []topics.App{two}, seen: []Container{made(two, 0, "running")},
			want: []string{"keep web-1", "create web-2"}},
		{name: "older spec, image pulled", apps: []topics.App{two}, mem: hasPulled(two),
			seen: []Container{old(two, 0, "running"), old(two, 1, "exited")},
			want: []string{"wait web-1", "stage web-1.next", "wait web-2", "stage web-2.next"}},
		{name: "all is staged", apps: []topics.App{two}, mem: hasPulled(two),
			seen: []Container{old(two, 0, "running"), staged(two, 0), old(two, 1, "running"), staged(two, 1)},
			want: []string{"remove web-1", "remove web-2", "start web-1.next", "start web-2.next"}},
		{name: "not all is staged", apps: []topics.App{two}, mem: hasPulled(two),
			seen: []Container{old(two, 0, "running"), staged(two, 0), old(two, 1, "running")},
			want: []string{"wait web-1", "wait web-1.next", "wait web-2", "stage web-2.next"}},
		{name: "one runs, the other was removed for what is staged", apps: []topics.App{two},
			seen: []Container{made(two, 0, "running"), staged(two, 1)},
			want: []string{"keep web-1", "start web-2.next"}},
		{name: "staged for another version, which has never run", apps: []topics.App{web(withID(2))},
			seen: []Container{old(web(), 0, "running"), staged(web(), 0)},
			want: []string{"remove web-1.next", "wait web-1", "wait web-1.next", "pull nginx:1"}},
		{name: "only one that never ran is in the place", apps: []topics.App{web()}, mem: hasPulled(web()),
			seen: []Container{old(web(), 0, "created")}, want: []string{"remove web-1", "create web-1"}},
		{name: "staged while its host port went to another", apps: []topics.App{web(onPorts(80)), web(named("api"), onPorts(80))},
			seen: []Container{old(web(), 0, "running"), staged(web(onPorts(80)), 0), made(web(named("api"), onPorts(80)), 0, "running")},
			want: []string{"wait web-1", "wait web-1.next ! web-1 needs host port 80, which is for api-1", "keep api-1"}},
		{name: "staged and running", apps: []topics.App{web()}, seen: []Container{called(made(web(), 0, "running"), "web-1.next")},
			want: []string{"start web-1.next"}},
		{name: "staged, running and unhealthy", apps: []topics.App{web()}, seen: []Container{unhealthy(called(made(web(), 0, "running"), "web-1.next"))},
			want: []string{"start web-1.next"}},
		{name: "host port of one that the engine restarts", apps: []topics.App{web(onPorts(80)), web(named("api"), onPorts(80))},
			mem: hasPulled(web()), seen: []Container{made(web(named("api"), onPorts(80)), 0, "restarting")},
			want: []string{"wait web-1 ! web-1 needs host port 80, which is for api-1", "keep api-1 ! api-1 keeps restarting"}},
		{name: "host port of one that is paused", apps: []topics.App{web(onPorts(80)), web(named("api"), onPorts(80))},
			mem: hasPulled(web()), seen: []Container{made(web(named("api"), onPorts(80)), 0, "paused")},
			want: []string{"wait web-1 ! web-1 needs host port 80, which is for api-1", "keep api-1 ! api-1 is paused"}},
		{name: "one has ended, with a duplicate that never ran, while the other is replaced", apps: []topics.App{two}, mem: hasPulled(two),
			seen: []Container{made(two, 0, "exited"), called(old(two, 0, "created"), "x"), old(two, 1, "running")},
			want: []string{"remove x", "start web-1", "wait web-2", "stage web-2.next"}},
		{name: "fewer containers, and the one that stays is missing", apps: []topics.App{web()}, mem: hasPulled(web()),
			seen: []Container{made(web(), 1, "running")}, want: []string{"wait web-2", "stage web-1.next"}},
		{name: "fewer containers, and all of another version", apps: []topics.App{web()}, mem: hasPulled(web()),
			seen: []Container{old(web(), 0, "running"), old(web(), 1, "running")},
			want: []string{"wait web-2", "wait web-1", "stage web-1.next"}},
		{name: "older spec runs on until the pull is done", apps: []topics.App{web(withID(2))},
			seen: []Container{old(web(), 0, "running"), old(web(), 1, "running")},
			want: []string{"wait web-2", "wait web-1", "wait web-1.next", "pull nginx:1"}},
		{name: "older spec, engine is removing it", apps: []topics.App{web()}, mem: hasPulled(web()),
			seen: []Container{old(web(), 0, "removing")},
			want: []string{"wait web-1", "wait web-1"}},
		{name: "app is stopped", apps: []topics.App{web(stopped)}, seen: []Container{made(web(), 0, "running"), made(web(), 1, "removing")},
			want: []string{"remove web-1", "wait web-2"}},
		{name: "runs of cron_jobs are not its business", apps: []topics.App{web(stopped)}, seen: []Container{
			{ID: "1", Name: "web.cron", CronJob: "web", Index: -1, State: "running"},
			{ID: "2", Name: "x.cron", CronJob: "x", Index: -1, State: "exited"},
		}, want: []string{}},
		{name: "app is not in the config", apps: []topics.App{web(named("api"), stopped)},
			seen: []Container{made(web(), 0, "running"), made(web(named("b")), 0, "exited"), made(web(named("a")), 0, "paused")},
			want: []string{"remove a-1", "remove b-1", "remove web-1"}},
		{name: "more containers than wanted", apps: []topics.App{web()},
			seen: []Container{made(web(), 0, "running"), made(web(), 1, "running")},
			want: []string{"remove web-2", "keep web-1"}},
		{name: "index label is no number", apps: []topics.App{web()},
			seen: []Container{{ID: "x", Name: "x", App: "web", Index: -1, State: "running"}, made(web(), 0, "running")},
			want: []string{"remove x", "keep web-1"}},
		{name: "created but not started", apps: []topics.App{web()}, seen: []Container{made(web(), 0, "created")},
			want: []string{"start web-1"}},
		{name: "ended", apps: []topics.App{web()}, seen: []Container{made(web(), 0, "exited")},
			want: []string{"start web-1"}},
		{name: "ended again, too soon", apps: []topics.App{web()},
			seen: []Container{detail(made(web(), 0, "exited"), "Exited (3) 1 second ago")},
			mem:  memory{starts: map[string]*retry{"id-web-1": {next: noon.Add(time.Second)}}},
			want: []string{"wait web-1 ! web-1 has ended with exit code 3; next start at 12:00:01 UTC"}},
		{name: "ended again, pause is over", apps: []topics.App{web()}, seen: []Container{made(web(), 0, "exited")},
			mem:  memory{starts: map[string]*retry{"id-web-1": {next: noon}}},
			want: []string{"start web-1 ! web-1 has ended; next start at 12:00:00 UTC"}},
		{name: "dead", apps: []topics.App{web()}, seen: []Container{made(web(), 0, "dead")},
			want: []string{"remove web-1", "create web-1"}},
		{name: "removing", apps: []topics.App{web()}, seen: []Container{made(web(), 0, "removing")},
			want: []string{"wait web-1"}},
		{name: "restarting", apps: []topics.App{web()},
			seen: []Container{detail(made(web(), 0, "restarting"), "Restarting (127) 2 seconds ago")},
			want: []string{"keep web-1 ! web-1 keeps restarting with exit code 127"}},
		{name: "running between restarts", apps: []topics.App{web()}, seen: []Container{made(web(), 0, "running")},
			mem:  memory{restarts: map[string]restart{"id-web-1": {seen: noon.Add(-settled + 1), code: " with exit code 1"}}},
			want: []string{"keep web-1 ! web-1 keeps restarting with exit code 1"}},
		{name: "running for good", apps: []topics.App{web()}, seen: []Container{made(web(), 0, "running")},
			mem:  memory{restarts: map[string]restart{"id-web-1": {seen: noon.Add(-settled)}}},
			want: []string{"keep web-1"}},
		{name: "unhealthy", apps: []topics.App{web()}, seen: []Container{unhealthy(made(web(), 0, "running"))},
			mem:  memory{versions: works(web())},
			want: []string{"restart web-1 ! web-1 is unhealthy"}},
		{name: "unhealthy again, too soon", apps: []topics.App{web()}, seen: []Container{unhealthy(made(web(), 0, "running"))},
			mem:  memory{versions: works(web()), lives: map[string]*life{"id-web-1": {heal: &retry{next: noon.Add(time.Second)}}}},
			want: []string{"wait web-1 ! web-1 is unhealthy; next restart at 12:00:01 UTC"}},
		{name: "unhealthy again, pause is over", apps: []topics.App{web()}, seen: []Container{unhealthy(made(web(), 0, "running"))},
			mem:  memory{versions: works(web()), lives: map[string]*life{"id-web-1": {heal: &retry{next: noon}}}},
			want: []string{"restart web-1 ! web-1 is unhealthy; next restart at 12:00:00 UTC"}},
		{name: "finished", apps: []topics.App{web(policy(topics.RestartNo)), web(named("api"), policy(topics.RestartOnFailure))},
			seen: []Container{detail(made(web(policy(topics.RestartNo)), 0, "exited"), "Exited (0) 1 second ago"),
				detail(made(web(named("api"), policy(topics.RestartOnFailure)), 0, "exited"), "Exited (0) 1 second ago")},
			want: []string{"keep web-1", "keep api-1"}},
		{name: "failed for good", apps: []topics.App{web(policy(topics.RestartNo))},
			seen: []Container{detail(made(web(policy(topics.RestartNo)), 0, "exited"), "Exited (3) 1 second ago")},
			want: []string{"keep web-1 ! web-1 has ended with exit code 3, and its restart_policy says not to start it again"}},
		{name: "failed, and the engine has given up", apps: []topics.App{web(policy(topics.RestartOnFailure))},
			seen: []Container{detail(made(web(policy(topics.RestartOnFailure)), 0, "exited"), "Exited (3) 1 second ago")},
			want: []string{"start web-1"}},
		{name: "paused", apps: []topics.App{web()}, seen: []Container{made(web(), 0, "paused")},
			want: []string{"keep web-1 ! web-1 is paused"}},
		{name: "unknown state", apps: []topics.App{web()}, seen: []Container{made(web(), 0, "dreaming")},
			want: []string{`keep web-1 ! web-1 is in the unknown state "dreaming"`}},
		{name: "duplicate that does not match", apps: []topics.App{web()},
			seen: []Container{called(old(web(), 0, "running"), "a-copy"), made(web(), 0, "exited")},
			want: []string{"remove a-copy", "start web-1"}},
		{name: "duplicate that matches too", apps: []topics.App{web()},
			seen: []Container{called(made(web(), 0, "exited"), "a-copy"), made(web(), 0, "running")},
			want: []string{"remove a-copy", "keep web-1"}},
		{name: "duplicates that both run", apps: []topics.App{web()},
			seen: []Container{made(web(), 0, "running"), called(made(web(), 0, "running"), "a-copy")},
			want: []string{"remove web-1", "keep a-copy"}},
		{name: "host port above the highest", apps: []topics.App{web(onPorts(65535), per("server", 2)), web(named("api"))},
			seen: []Container{old(web(), 1, "running")},
			mem:  hasPulled(web(), web(named("api"))),
			want: []string{"stage web-1.next", "wait web-2 ! starting_ports: container 1 would need host port 65536", "keep web-2", "create api-1"}},
		{name: "host port for two apps", apps: []topics.App{web(onPorts(80)), web(named("api"), onPorts(79), per("server", 2))},
			mem:  hasPulled(web(), web(named("api"))),
			want: []string{"create web-1", "create api-1", "wait api-2 ! api-2 needs host port 80, which is for web-1"}},
		{name: "host port of one that runs already", apps: []topics.App{web(onPorts(80)), web(named("api"), onPorts(80))},
			seen: []Container{made(web(named("api"), onPorts(80)), 0, "running"), old(web(), 0, "running")},
			mem:  hasPulled(web()),
			want: []string{"wait web-1 ! web-1 needs host port 80, which is for api-1", "keep web-1", "keep api-1"}},
		{name: "host port of one that is not to run", apps: []topics.App{web(onPorts(80), stopped), web(named("api"), onPorts(80))},
			mem:  hasPulled(web(named("api"))),
			want: []string{"create api-1"}},
		{name: "ended while its host port went to another", apps: []topics.App{web(onPorts(80)), web(named("api"), onPorts(80))},
			seen: []Container{made(web(onPorts(80)), 0, "exited"), made(web(named("api"), onPorts(80)), 0, "running")},
			want: []string{"wait web-1 ! web-1 needs host port 80, which is for api-1", "keep api-1"}},
		{name: "host port twice in one container", apps: []topics.App{web(onPorts(80, 80))}, mem: hasPulled(web()),
			want: []string{"wait web-1 ! web-1 publishes host port 80 twice"}},
		{name: "host network publishes nothing", apps: []topics.App{web(onPorts(80), hostNetwork), web(named("api"), onPorts(80), hostNetwork)},
			mem:  hasPulled(web(), web(named("api"))),
			want: []string{"create web-1", "create api-1"}},
		{name: "per CPU", apps: []topics.App{web(per("cpu", 0.5))}, mem: hasPulled(web()),
			want: []string{"create web-1", "create web-2"}},
		{name: "per memory, device too small", apps: []topics.App{web(per("memory", 4001))}, seen: []Container{made(web(), 0, "running")},
			want: []string{"remove web-1"}},
		{name: "absurdly many", apps: []topics.App{web(per("server", 1001))}, seen: []Container{old(web(), 0, "running")},
			want: []string{"wait ! containers_per asks for 1001 containers on this device, at most 1000 are allowed", "keep web-1"}},
		{name: "failed lately", apps: []topics.App{web()}, mem: failed(noon.Add(time.Minute)),
			want: []string{"wait web-1 ! no space; next try at 12:01:00 UTC"}},
		{name: "failed, time to try again", apps: []topics.App{web()}, mem: failed(noon),
			want: []string{"create web-1 ! no space; next try at 12:00:00 UTC"}},
		{name: "failed lately, and another app", apps: []topics.App{web(), web(named("api"), image("b@sha256:aa"))}, mem: failed(noon.Add(time.Minute)),
			want: []string{"wait web-1 ! no space; next try at 12:01:00 UTC", "create api-1"}},
		{name: "failed before, nothing left to do", apps: []topics.App{web()}, mem: failed(noon.Add(time.Minute)),
			seen: []Container{made(web(), 0, "running")}, want: []string{"keep web-1"}},
		{name: "removal of a stray failed lately", seen: []Container{made(web(), 0, "running")}, mem: failed(noon.Add(time.Minute)),
			want: []string{"wait web-1 ! no space; next try at 12:01:00 UTC"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config := topics.Config{Content: topics.Content{Apps: test.apps}}
			steps := plan(config, test.seen, Facts{CPUs: 4, MemoryMB: 4000}, test.mem, noon)
			if diff := cmp.Diff(test.want, lines(steps)); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
			for _, s := range steps {
				if s.Reason == "" || strings.Contains(s.Reason, "\n") {
					t.Errorf("%s %s has the reason %q, want one line", s.Verb, s.Container, s.Reason)
				}
				if s.Trouble != "" && s.Verb == Wait && strings.Contains(s.Trouble, "next") && s.Again.IsZero() {
					t.Errorf("%s waits for a time and does not say which", s.Container)
				}
			}
		})
	}
}

func TestExitCode(t *testing.T) {
	for detail, want := range map[string]string{
		"Exited (1) 3 seconds ago":       " with exit code 1",
		"Restarting (127) 2 seconds ago": " with exit code 127",
		"Up 3 minutes (healthy)":         "",
		"Up 3 minutes":                   "",
		"Exited (":                       "",
		"Exited ()":                      "",
		"":                               "",
	} {
		if got := exitCode(detail); got != want {
			t.Errorf("exitCode(%q) = %q, want %q", detail, got, want)
		}
	}
}

func TestFailingNamesEachAppOnce(t *testing.T) {
	got := failing([]Step{{App: "a"}, {App: "b", Trouble: "first"}, {App: "b", Trouble: "second"}, {App: "c", Trouble: "third"}})
	want := []topics.Failure{{App: "b", Reason: "first"}, {App: "c", Reason: "third"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("failing (-want +got):\n%s", diff)
	}
}

func ExampleSpec_Name() {
	fmt.Println(Spec{App: "web", Index: 0}.Name())
	// Output: web-1
}
