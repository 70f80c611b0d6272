package worker

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/topics"
)

// works is the record of an app that was up, from the image A.
func works(app topics.App) versions {
	return versions{app.AppName: {Good: &proven{App: app, ImageID: "sha256:A"}}}
}

// gaveUp adds to the record of an app that a later version failed.
func gaveUp(good, bad topics.App) versions {
	v := works(good)
	v[bad.AppName] = history{Good: v[bad.AppName].Good, Bad: &failed{
		Wanted: fingerprint(bad), AppID: bad.AppID, Code: topics.ReasonUnhealthy, Reason: "web-1 is unhealthy",
	}}
	return v
}

func from(c Container, imageID string) Container { c.ImageID = imageID; return c }

func TestJudge(t *testing.T) {
	v1, v2 := web(per("server", 2)), web(per("server", 2), withID(2), image("nginx:2"))
	again := web(per("server", 2), withID(2)) // started anew, and nothing else
	up := func(since time.Duration) *life { return &life{up: noon.Add(-since)} }
	both := func(l *life) map[string]*life { return map[string]*life{"id-web-1": l, "id-web-2": l} }
	pair := func(app topics.App, imageID string) []Container {
		return []Container{from(made(app, 0, "running"), imageID), from(made(app, 1, "running"), imageID)}
	}
	tried := func(n int) map[string]*trouble {
		return map[string]*trouble{"web": {retry: &retry{reason: "no such command"}, code: topics.ReasonCommandMissing, attempts: n}}
	}
	once := web(policy(topics.RestartNo))
	tests := []struct {
		name string
		app  topics.App
		seen []Container
		mem  memory
		want string // "" is no verdict
	}{
		{name: "up for a minute", app: v2, seen: pair(v2, "sha256:B"), mem: memory{lives: both(up(settled))}, want: "good 2 sha256:B"},
		{name: "up for less", app: v2, seen: pair(v2, "sha256:B"), mem: memory{lives: both(up(settled - 1))}},
		{name: "one is up", app: v2, seen: pair(v2, "sha256:B")[:1], mem: memory{lives: both(up(settled))}},
		{name: "the other is of the version before", app: v2, mem: memory{lives: both(up(settled))},
			seen: []Container{made(v2, 0, "running"), made(v1, 1, "running")}},
		{name: "never looked at", app: v2, seen: pair(v2, "sha256:B")},
		{name: "healthy", app: web(), seen: []Container{healthy(made(web(), 0, "running"))}, want: "good 1 "},
		{name: "not yet healthy", app: web(), seen: []Container{starting(made(web(), 0, "running"))}, mem: memory{lives: both(up(time.Hour))}},
		{name: "finished", app: once, seen: []Container{detail(made(once, 0, "exited"), "Exited (0) 1 second ago")}, want: "good 1 "},
		{name: "failed for good", app: once, seen: []Container{detail(made(once, 0, "exited"), "Exited (1) 1 second ago")}},
		{name: "not to run", app: web(stopped), seen: []Container{healthy(made(web(), 0, "running"))}},
		{name: "no containers on this device", app: web(per("memory", 4001))},
		{name: "known to be good", app: v1, seen: pair(v1, "sha256:A"), mem: memory{versions: works(v1), lives: both(up(settled))}},
		{name: "good once, now unhealthy", app: v1, mem: memory{versions: works(v1)},
			seen: []Container{unhealthy(made(v1, 0, "running"))}},
		{name: "unhealthy", app: v2, seen: []Container{from(unhealthy(made(v2, 0, "running")), "sha256:B")}, mem: memory{versions: works(v1)},
			want: "bad 2 sha256:B unhealthy: web-1 is unhealthy"},
		{name: "unhealthy, and so is what it depends on", app: web(withID(2), dependsOn("db")), mem: memory{versions: works(v1)},
			seen: []Container{unhealthy(made(web(withID(2), dependsOn("db")), 0, "running"))}},
		{name: "unhealthy, nothing to go back to", app: v2, seen: []Container{unhealthy(made(v2, 0, "running"))}},
		{name: "unhealthy, the same content", app: again, seen: []Container{from(unhealthy(made(again, 0, "running")), "sha256:A")}, mem: memory{versions: works(v1)}},
		{name: "unhealthy, the tag has moved", app: again, seen: []Container{from(unhealthy(made(again, 0, "running")), "sha256:B")}, mem: memory{versions: works(v1)},
			want: "bad 2 sha256:B unhealthy: web-1 is unhealthy"},
		{name: "the engine restarts it", app: v2, seen: pair(v2, "sha256:B"),
			mem:  memory{versions: works(v1), lives: both(&life{restarts: 5, calm: 2, ending: noon.Add(-endingTime), details: Details{Finished: noon, ExitCode: 7}})},
			want: "bad 2 sha256:B restarting: web-1 keeps restarting with exit code 7"},
		{name: "the engine restarts it, two times", app: v2, seen: pair(v2, "sha256:B"),
			mem: memory{versions: works(v1), lives: both(&life{restarts: 5, calm: 3})}},
		{name: "the engine restarts it, for less than ten seconds", app: v2, seen: pair(v2, "sha256:B"),
			mem: memory{versions: works(v1), lives: both(&life{restarts: 5, calm: 2, ending: noon.Add(1 - endingTime)})}},
		{name: "the worker starts it again", app: v2, seen: pair(v2, "sha256:B"), mem: memory{versions: works(v1), lives: both(&life{again: 3})},
			want: "bad 2 sha256:B exited: web-1 ends again and again"},
		{name: "the worker starts it again, two times", app: v2, seen: pair(v2, "sha256:B"), mem: memory{versions: works(v1), lives: both(&life{again: 2})}},
		{name: "cannot be started", app: v2, seen: []Container{from(made(v2, 0, "created"), "sha256:B")}, mem: memory{versions: works(v1), apps: tried(3)},
			want: "bad 2 sha256:B command_missing: no such command"},
		{name: "cannot be started, two attempts", app: v2, seen: []Container{made(v2, 0, "created")}, mem: memory{versions: works(v1), apps: tried(2)}},
		{name: "cannot be made, and all before run", app: v2, seen: pair(v1, "sha256:A"), mem: memory{versions: works(v1), apps: tried(9)}},
		{name: "cannot be made, and one before is gone", app: v2, seen: pair(v1, "sha256:A")[1:], mem: memory{versions: works(v1), apps: tried(9)},
			want: "bad 2  command_missing: no such command"},
		{name: "the same, for what has one more container", app: web(per("server", 3), withID(2)), seen: pair(v1, "sha256:A"),
			mem: memory{versions: works(v1), apps: tried(9)}},
		{name: "given up before", app: v2, seen: []Container{unhealthy(made(v2, 0, "running"))}, mem: memory{versions: gaveUp(v1, v2)}},
		{name: "given up before it was changed", app: web(withID(3)), seen: []Container{healthy(made(web(withID(3)), 0, "running"))},
			mem: memory{versions: gaveUp(v1, v2)}, want: "good 3 "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config := topics.Config{Content: topics.Content{Apps: []topics.App{test.app}}}
			got := ""
			for _, v := range judge(config, test.seen, Facts{CPUs: 4, MemoryMB: 4000}, test.mem, noon) {
				if v.good != nil {
					got += fmt.Sprintf("good %d %s", v.good.App.AppID, v.good.ImageID)
				}
				if v.bad != nil {
					got += fmt.Sprintf("bad %d %s %s: %s", v.bad.AppID, v.bad.ImageID, v.bad.Code, v.bad.Reason)
				}
			}
			if got != test.want {
				t.Errorf("verdict %q, want %q", got, test.want)
			}
		})
	}
}

func TestGoingBack(t *testing.T) {
	v1, v2 := web(), web(withID(2), image("nginx:2"))
	roll1, roll2 := web(per("server", 2), rolling), web(per("server", 2), rolling, withID(2))
	const back = "version 2 failed: web-1 is unhealthy; version 1, which worked before, is in its place until the app is changed"
	tests := []struct {
		name string
		app  topics.App
		seen []Container
		mem  memory
		want []string
		code topics.Reason
	}{
		{name: "the bad one runs", app: v2, seen: []Container{made(v2, 0, "running")}, mem: memory{versions: gaveUp(v1, v2)},
			want: []string{"wait web-1 ! " + back, "stage web-1.next"}, code: topics.ReasonRolledBack},
		{name: "the bad one runs, and the random time of its config has not come", app: v2, seen: []Container{made(v2, 0, "running")},
			mem:  memory{versions: gaveUp(v1, v2), spread: map[string]time.Time{"web": noon.Add(time.Second)}},
			want: []string{"wait web-1 ! " + back, "stage web-1.next"}, code: topics.ReasonRolledBack},
		{name: "the bad one runs, and the good one is made", app: v2, seen: []Container{made(v2, 0, "running"), staged(v1, 0)}, mem: memory{versions: gaveUp(v1, v2)},
			want: []string{"remove web-1 ! " + back, "start web-1.next"}, code: topics.ReasonRolledBack},
		{name: "the good one runs", app: v2, seen: []Container{made(v1, 0, "running")}, mem: memory{versions: gaveUp(v1, v2)},
			want: []string{"keep web-1 ! " + back}, code: topics.ReasonRolledBack},
		{name: "the good one is missing", app: v2, mem: memory{versions: gaveUp(v1, v2)},
			want: []string{"create web-1 ! " + back}, code: topics.ReasonRolledBack},
		{name: "the good one is paused", app: v2, seen: []Container{made(v1, 0, "paused")}, mem: memory{versions: gaveUp(v1, v2)},
			want: []string{"keep web-1 ! version 2 failed: web-1 is unhealthy; version 1, which worked before, does not run: web-1 is paused"},
			code: topics.ReasonRollbackFailed},
		{name: "the good one has no containers here", app: web(withID(2)), mem: memory{versions: gaveUp(web(per("memory", 4001)), web(withID(2)))},
			want: []string{"keep ! " + back}, code: topics.ReasonRolledBack},
		{name: "what the good one depended on is gone", app: v2, mem: memory{versions: gaveUp(web(dependsOn("db")), v2)},
			want: []string{"create web-1 ! " + back}, code: topics.ReasonRolledBack},
		{name: "some of a roll have to go back", app: roll2, seen: []Container{made(roll2, 0, "running"), made(roll1, 1, "running"), staged(roll2, 1)},
			mem:  memory{versions: gaveUp(roll1, roll2)},
			want: []string{"remove web-2.next ! " + back, "wait web-1", "stage web-1.next", "keep web-2"}, code: topics.ReasonRolledBack},
		{name: "the config has changed since", app: web(withID(3)), seen: []Container{made(v1, 0, "running")}, mem: memory{versions: gaveUp(v1, v2)},
			want: []string{"wait web-1", "wait web-1.next", "pull nginx:1"}},
		{name: "the app was stopped since", app: web(withID(2), image("nginx:2"), stopped), seen: []Container{made(v1, 0, "running")}, mem: memory{versions: gaveUp(v1, v2)},
			want: []string{"remove web-1"}},
		{name: "nothing to go back to", app: v2, seen: []Container{unhealthy(made(v2, 0, "running"))},
			want: []string{"restart web-1 ! web-1 is unhealthy"}, code: topics.ReasonUnhealthy},
		{name: "good once", app: v2, seen: []Container{unhealthy(made(v2, 0, "running"))}, mem: memory{versions: works(v2)},
			want: []string{"restart web-1 ! web-1 is unhealthy"}, code: topics.ReasonUnhealthy},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config := topics.Config{Content: topics.Content{Apps: []topics.App{test.app}}}
			steps := plan(config, test.seen, Facts{CPUs: 4, MemoryMB: 4000}, test.mem, noon)
			if diff := cmp.Diff(test.want, lines(steps)); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
			var code topics.Reason
			for _, f := range failing(steps) {
				code = f.Code
			}
			if code != test.code {
				t.Errorf("the code is %q, want %q", code, test.code)
			}
			for _, s := range steps {
				if makes(s) && s.Verb != Start && strings.HasPrefix(string(test.code), "roll") && s.Spec.Source() != "sha256:A" {
					t.Errorf("%s is made from %s, want the image that worked", s.Container, s.Spec.Source())
				}
			}
		})
	}
}
