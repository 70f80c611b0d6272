package worker

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/topics"
)

func dependsOn(names ...string) func(*topics.App) { return func(a *topics.App) { a.DependsOn = names } }

func TestDependencies(t *testing.T) {
	app, app2 := web(dependsOn("db")), web(dependsOn("db"), withID(2))
	db, db2 := web(named("db"), image("redis:1")), web(named("db"), image("redis:1"), withID(2))
	failing := func(m memory) memory {
		m.apps = map[string]*trouble{"db": {retry: &retry{next: noon.Add(1), reason: "no space"}}}
		return m
	}
	const dbFails = "wait db-1 ! no space; next try at 12:00:00 UTC"
	tests := []struct {
		name string
		apps []topics.App
		seen []Container
		mem  memory
		want []string
	}{
		{name: "neither is there", apps: []topics.App{app, db}, mem: hasPulled(app, db), want: []string{"wait web-1", "create db-1"}},
		{name: "images are fetched meanwhile", apps: []topics.App{app, db}, want: []string{"wait web-1", "pull nginx:1", "wait db-1", "pull redis:1"}},
		{name: "it is up", apps: []topics.App{app, db}, seen: []Container{made(db, 0, "running")}, mem: hasPulled(app), want: []string{"create web-1", "keep db-1"}},
		{name: "it is healthy", apps: []topics.App{app, db}, seen: []Container{healthy(made(db, 0, "running"))}, mem: hasPulled(app),
			want: []string{"create web-1", "keep db-1"}},
		{name: "it is starting", apps: []topics.App{app, db}, seen: []Container{starting(made(db, 0, "running"))}, mem: hasPulled(app),
			want: []string{"wait web-1", "keep db-1"}},
		{name: "it is unhealthy", apps: []topics.App{app, db}, mem: memory{images: hasPulled(app).images, versions: works(db), lives: map[string]*life{"id-db-1": {heal: &retry{next: noon.Add(1)}}}},
			seen: []Container{unhealthy(made(db, 0, "running"))},
			want: []string{"wait web-1 ! web depends on db, which is not up", "wait db-1 ! db-1 is unhealthy; next restart at 12:00:00 UTC"}},
		{name: "it runs between two restarts", apps: []topics.App{app, db},
			mem:  memory{images: hasPulled(app).images, restarts: map[string]restart{"id-db-1": {seen: noon.Add(-settled + 1)}}},
			seen: []Container{made(db, 0, "running")},
			want: []string{"wait web-1 ! web depends on db, which is not up", "keep db-1 ! db-1 keeps restarting"}},
		{name: "it has run since it was restarted", apps: []topics.App{app, db},
			mem:  memory{images: hasPulled(app).images, restarts: map[string]restart{"id-db-1": {seen: noon.Add(-settled)}}},
			seen: []Container{made(db, 0, "running")}, want: []string{"create web-1", "keep db-1"}},
		{name: "it was restarted and is healthy", apps: []topics.App{app, db},
			mem:  memory{images: hasPulled(app).images, restarts: map[string]restart{"id-db-1": {seen: noon.Add(-1)}}},
			seen: []Container{healthy(made(db, 0, "running"))}, want: []string{"create web-1", "keep db-1 ! db-1 keeps restarting"}},
		{name: "one of two is up", apps: []topics.App{app, web(named("db"), per("server", 2))}, mem: failing(hasPulled(app)),
			seen: []Container{made(web(named("db")), 0, "running")},
			want: []string{"wait web-1 ! web depends on db, which is not up", "keep db-1", "wait db-2 ! no space; next try at 12:00:00 UTC"}},
		{name: "it has finished", apps: []topics.App{app, web(named("db"), policy(topics.RestartNo))}, mem: hasPulled(app),
			seen: []Container{detail(made(web(named("db"), policy(topics.RestartNo)), 0, "exited"), "Exited (0) 1 second ago")},
			want: []string{"create web-1", "keep db-1"}},
		{name: "it has ended with an error, for good", apps: []topics.App{app, web(named("db"), policy(topics.RestartNo))}, mem: hasPulled(app),
			seen: []Container{detail(made(web(named("db"), policy(topics.RestartNo)), 0, "exited"), "Exited (1) 1 second ago")},
			want: []string{"wait web-1 ! web depends on db, which is not up", "keep db-1 ! db-1 has ended with exit code 1, and its restart_policy says not to start it again"}},
		{name: "it is about to be replaced", apps: []topics.App{app, db2}, seen: []Container{made(db, 0, "running"), staged(db2, 0)}, mem: hasPulled(app),
			want: []string{"wait web-1", "remove db-1", "start db-1.next"}},
		{name: "it is about to be changed when its time comes", apps: []topics.App{app2, db2}, seen: []Container{made(db, 0, "running")},
			mem:  memory{images: hasPulled(app2, db2).images, spread: map[string]time.Time{"db": noon.Add(1)}},
			want: []string{"wait web-1", "wait db-1", "wait db-1.next", "wait "}},
		{name: "something is being done about it", apps: []topics.App{app, db}, seen: []Container{made(db, 0, "running")},
			mem: memory{images: hasPulled(app).images, busy: map[string]bool{"db": true}}, want: []string{"wait web-1", "keep db-1"}},
		{name: "its new version fails while the old runs", apps: []topics.App{app, db2}, seen: []Container{made(db, 0, "running")}, mem: failing(hasPulled(app, db2)),
			want: []string{"create web-1", "wait db-1", "wait db-1.next ! no space; next try at 12:00:00 UTC"}},
		{name: "it fails", apps: []topics.App{app, db}, mem: failing(hasPulled(app, db)),
			want: []string{"wait web-1 ! web depends on db, which is not up", dbFails}},
		{name: "it is missing", apps: []topics.App{app}, mem: hasPulled(app), want: []string{"wait web-1 ! web depends on db, which is not in the config"}},
		{name: "it is stopped", apps: []topics.App{app, web(named("db"), stopped)}, mem: hasPulled(app),
			want: []string{"wait web-1 ! web depends on db, which is not to run"}},
		{name: "it has no place here", apps: []topics.App{app, web(named("db"), per("memory", 4001))}, mem: hasPulled(app),
			want: []string{"wait web-1 ! web depends on db, of which this device has no containers"}},
		{name: "it went away: what runs stays", apps: []topics.App{app}, seen: []Container{made(app, 0, "running")}, want: []string{"keep web-1"}},
		{name: "it went away: the old version stays", apps: []topics.App{app2}, seen: []Container{made(app, 0, "running"), staged(app2, 0)},
			want: []string{"wait web-1 ! web depends on db, which is not in the config", "wait web-1.next ! web depends on db, which is not in the config"}},
		{name: "it went away: what is too many goes", apps: []topics.App{app}, seen: []Container{made(app, 0, "running"), made(app, 1, "running")},
			want: []string{"remove web-2", "keep web-1"}},
		{name: "it went away: what has ended stays so", apps: []topics.App{app}, seen: []Container{made(app, 0, "exited")},
			want: []string{"wait web-1 ! web depends on db, which is not in the config"}},
		{name: "a chain", apps: []topics.App{web(dependsOn("mid")), web(named("mid"), dependsOn("db"), withID(2)), db2}, mem: hasPulled(web(), web(named("mid"), withID(2)), db2),
			seen: []Container{made(db, 0, "running"), staged(db2, 0), old(web(named("mid")), 0, "running")},
			want: []string{"wait web-1", "wait mid-1", "wait mid-1.next", "remove db-1", "start db-1.next"}},
		{name: "a ring", apps: []topics.App{web(named("a"), dependsOn("b")), web(named("b"), dependsOn("c")), web(named("c"), dependsOn("a")), web(dependsOn("a"))},
			mem: hasPulled(web(named("a")), web(named("b")), web(named("c")), web()),
			want: []string{"wait a-1 ! a depends on itself: a, b, c, a", "wait b-1 ! b depends on itself: b, c, a, b",
				"wait c-1 ! c depends on itself: c, a, b, c", "wait web-1 ! web depends on a, which is not up"}},
		{name: "a ring that runs", apps: []topics.App{web(named("a"), dependsOn("a"))}, seen: []Container{made(web(named("a"), dependsOn("a")), 0, "running")},
			want: []string{"keep a-1"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config := topics.Config{Content: topics.Content{Apps: test.apps}}
			steps := plan(config, test.seen, Facts{CPUs: 4, MemoryMB: 4000}, test.mem, noon)
			if diff := cmp.Diff(test.want, lines(steps)); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
		})
	}
}
