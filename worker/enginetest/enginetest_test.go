package enginetest_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"muster/worker"
	"muster/worker/enginetest"
)

func TestFakeKeepsTheContract(t *testing.T) {
	enginetest.Run(t, func(*testing.T) enginetest.Harness {
		var port atomic.Int32
		port.Store(20000)
		m := enginetest.NewMachine()
		m.Push("forever:1", enginetest.Image{Bytes: 1000})
		m.Push("once:1", enginetest.Image{Once: true, ExitCode: 3, Output: "said\n"})
		return enginetest.Harness{
			Engine: m.Engine("here"), Again: m.Engine("here"), Other: m.Engine("there"),
			Forever: "forever:1", Once: "once:1", Missing: "missing:1",
			OnceCode: 3, OnceSays: "said\n",
			Port:   func() int { return int(port.Add(1)) },
			Prefix: "t-",
		}
	})
}

func TestMachineFailsOnDemand(t *testing.T) {
	m := enginetest.NewMachine()
	m.Push("image:1", enginetest.Image{})
	engine := m.Engine("d")
	boom := errors.New("boom")
	m.Fail(enginetest.OpPull, boom)
	if err := engine.Pull(t.Context(), "image:1", nil); !errors.Is(err, boom) {
		t.Errorf("first Pull: %v, want boom", err)
	}
	if err := engine.Pull(t.Context(), "image:1", nil); err != nil {
		t.Errorf("second Pull: %v", err)
	}
	m.SetDown(true)
	if _, err := engine.List(t.Context()); !errors.Is(err, worker.ErrEngineDown) {
		t.Errorf("List while down: %v, want ErrEngineDown", err)
	}
	m.SetDown(false)
	if _, err := engine.List(t.Context()); err != nil {
		t.Errorf("List while up again: %v", err)
	}
}
