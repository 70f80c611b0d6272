package docker_test

import (
	"context"
	"testing"

	"github.com/docker/docker/client"

	"muster/test/rig"
	"muster/worker/docker"
	"muster/worker/enginetest"
)

func TestEngineKeepsTheContract(t *testing.T) { keepsTheContract(t, rig.Docker(t), "", nil) }

// keepsTheContract runs the contract against the engine at host, which api is a client of.
func keepsTheContract(t *testing.T, api *client.Client, host string, check func(ctx context.Context, id string)) {
	registry := rig.NewRegistry(t)
	// They are removed, and other tests on this machine must not have the same.
	forever := registry.Push(t, rig.Name("forever"), rig.Hello{Version: rig.Name("v")})
	once := registry.Push(t, rig.Name("once"), rig.Hello{Version: rig.Name("v"), Args: []string{"-exit", "3"}})
	enginetest.Run(t, func(t *testing.T) enginetest.Harness {
		here, there := rig.Name("here"), rig.Name("there")
		return enginetest.Harness{
			Engine:  newEngine(t, api, docker.Options{Device: here, Host: host}),
			Again:   newEngine(t, api, docker.Options{Device: here, Host: host}),
			Other:   newEngine(t, api, docker.Options{Device: there, Host: host}),
			Forever: forever, Once: once, Missing: registry.Addr + "/missing:v1",
			Check:    check,
			OnceCode: 3, OnceSays: "hello: ending, as asked\n",
			Port:   func() int { return rig.FreePorts(t, 1) },
			Prefix: rig.Name("t") + "-",
		}
	})
}
