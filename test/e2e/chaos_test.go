package e2e

import (
	"testing"
	"time"

	"muster/test/rig"
)

// The worker is killed 50 times, at whatever it does, while 30 changes are made: no container is touched whose app
// stays as it is, and the device ends up with what is wanted and nothing else.
func TestTheWorkerIsKilledAllTheTime(t *testing.T) {
	t.Parallel()
	m := newModel(t, install(t, nil), 3, 4, true)
	m.device.start()
	m.settle()
	kills := 0
	for kills < 50 {
		if m.changes*50 <= kills*30 {
			m.change()
		}
		m.wait(600)
		m.device.worker.kill()
		kills++
		m.look()
		m.device.start()
		if kills%25 == 0 {
			m.settle()
		}
	}
	for m.changes < 30 {
		m.change()
	}
	m.settle()
	t.Logf("%d kills, %d changes; %d times a container had to be as it was, and was", kills, m.changes, m.kept)
}

// The engine is killed, stopped and cut off from power, together 10 times, at whatever it does, while changes are
// made: no container is replaced whose app stays as it is, and the device ends up with what is wanted.
func TestTheEngineIsRestartedAllTheTime(t *testing.T) {
	for name, o := range map[string]rig.EngineOptions{"as it comes": {}, "live restore": {LiveRestore: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := installOwn(t, o)
			// A Docker that is killed while it publishes a port can take the port for taken until it is restarted
			// once more (moby's issue 25981), which no worker can mend, but only tell.
			m := newModel(t, in, 2, 3, false)
			m.restarts = true
			m.device.start()
			m.settle()
			downs := []func(){in.own.Kill, in.own.Stop, in.own.PowerCut}
			for i := range 10 {
				m.change()
				m.change()
				m.wait(800)
				downs[i%len(downs)]()
				m.change()
				in.own.Start()
				m.look()
				if i == 4 {
					m.settle()
				}
			}
			m.settle()
			t.Logf("10 restarts of the engine, %d changes; %d times a container had to be there, and was", m.changes, m.kept)
		})
	}
}

// wait lets at most that many milliseconds pass, so that what comes next meets the worker at anything.
func (m *model) wait(atMost int) {
	<-time.After(time.Duration(m.random.IntN(atMost)) * time.Millisecond)
}
