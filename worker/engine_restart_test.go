package worker_test

import (
	"testing"
	"time"
)

// Containers that end with the engine are started as soon as it is back, however often that was so.
func TestContainersThatEndedWithTheEngineAreStartedAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		for range 10 {
			b.machine.ForgetOps()
			b.machine.SetDown(true)
			b.machine.SetState("web-1", "exited", "Exited (0) Less than a second ago")
			b.pass(2 * time.Second)
			b.machine.SetDown(false)
			b.pass(7 * time.Second) // the worker asks an engine that is down with pauses of up to 6 s by then
			b.didOps("start web-1")
			b.runs("web-1")
		}
	})
}
