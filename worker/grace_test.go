package worker_test

import (
	"testing"
	"time"

	"muster/topics"
)

// A container that its app gives long to end has that long, where an engine that hangs is given up sooner.
func TestContainersHaveTheTimeToEndThatTheirAppGives(t *testing.T) {
	for name, test := range map[string]struct {
		grace *int
		ops   []string
	}{
		"half an hour": {new(1800), []string{"remove web-1"}},
		"none of own":  {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.begin("g")
				b.offer(config(t, 1, newApp("web", "nginx:1", func(a *topics.App) { a.StopGraceSeconds = test.grace })))
				b.machine.SetRemoveTime(20 * time.Minute)
				b.machine.ForgetOps()
				b.offer(config(t, 2))
				b.pass(21 * time.Minute)
				b.didOps(test.ops...)
			})
		})
	}
}
