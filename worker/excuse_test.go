package worker_test

import (
	"testing"
	"time"

	"muster/topics"
	"muster/worker/enginetest"
)

// What a version on trial does while something that it depends on is not up is not held against it afterwards.
func TestVersionIsNotBlamedForWhatItDependsOn(t *testing.T) {
	for _, test := range []struct {
		how string
		// ill says that the version is unhealthy when all is up again, too.
		ill  bool
		want string
		code topics.Reason
	}{
		{how: "crashes", want: "web:2"},
		{how: "is unhealthy", want: "web:2"},
		{how: "is unhealthy", ill: true, want: "nginx:1", code: topics.ReasonRolledBack},
	} {
		t.Run(test.how, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				image := enginetest.Image{}
				if test.how == "is unhealthy" {
					image.CheckTime = 24 * time.Hour // the test says what the check finds
				}
				b.machine.Push("web:2", image)
				b.begin("g")
				db := newApp("db", "redis:1")
				b.offer(config(t, 1, newApp("web", "nginx:1", dependsOn("db")), db))
				b.pass(2 * time.Minute)
				b.offer(config(t, 2, newApp("web", "web:2", dependsOn("db"), appID(2)), db))
				b.pass(2 * time.Second)
				b.machine.SetState("db-1", "paused", "Up 2 minutes (Paused)")
				for range 3 { // for less than the shortest pause between two restarts
					b.pass(time.Second)
					if test.how == "crashes" {
						b.machine.Crash("web-1", 1)
					} else {
						b.machine.SetHealth("web-1", "unhealthy")
					}
				}
				b.pass(time.Second)
				b.machine.SetState("db-1", "running", "Up 2 minutes")
				b.pass(2 * time.Minute)
				if test.how == "is unhealthy" && !test.ill {
					b.machine.SetHealth("web-1", "healthy")
				} else if test.ill {
					b.machine.SetHealth("web-1", "unhealthy")
				}
				b.pass(2 * time.Minute)
				if c := b.container("web-1"); c.ImageID != "sha256:"+test.want {
					t.Errorf("there runs %+v, want one of %s", c, test.want)
				}
				if test.code != "" {
					b.code("web", test.code)
				} else {
					b.says(2)
				}
			})
		})
	}
}

// A version whose containers are not to be started again has failed when one has ended with an error.
func TestVersionThatEndsForGoodMakesWayForTheOneBefore(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("web:2", enginetest.Image{Once: true, ExitCode: 3})
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1", policy(topics.RestartNo))))
		b.pass(2 * time.Minute)
		b.offer(config(t, 2, newApp("web", "web:2", policy(topics.RestartNo), appID(2))))
		b.pass(10 * time.Second)
		b.says(2, "web: version 2 failed: web-1 has ended with exit code 3; version 1, which worked before, is in its place")
		b.code("web", topics.ReasonRolledBack)
		b.runs("web-1")
	})
}
