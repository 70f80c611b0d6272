package worker_test

import (
	"testing"
	"time"

	"muster/topics"
	"muster/worker/enginetest"
)

func dependsOn(names ...string) func(*topics.App) {
	return func(a *topics.App) { a.DependsOn = names }
}

func TestAppsStartAfterWhatTheyDependOn(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("nginx:1", enginetest.Image{PullTime: time.Second / 2}) // so that both apps wait for one pull
		b.machine.Push("db:1", enginetest.Image{CheckTime: 20 * time.Second, PullTime: time.Second})
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1", dependsOn("api")), newApp("api", "nginx:1", dependsOn("db")), newApp("db", "db:1")))
		b.pass(10 * time.Second)
		b.runs("db-1")
		b.says(0)
		b.pass(15 * time.Second)
		b.didOps("pull nginx:1", "pull db:1", "create db-1", "start db-1", "create api-1", "start api-1", "create web-1", "start web-1")
		b.says(1)

		// What runs does not depend on anything any more.
		b.offer(config(t, 2, newApp("web", "nginx:1", dependsOn("api")), newApp("api", "nginx:1", dependsOn("db"))))
		b.pass(time.Hour)
		b.didOps("remove db-1")
		b.says(2)
		b.offer(config(t, 3, newApp("web", "nginx:2", dependsOn("api"), appID(2)), newApp("api", "nginx:2", dependsOn("db"), appID(2))))
		b.pass(time.Minute)
		b.code("api", topics.ReasonDependency)
		b.runs("api-1", "web-1")
	})
}
