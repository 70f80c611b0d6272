// Package enginetest is the contract of [worker.Engine]: a suite of tests that every engine passes, and
// [Machine], an engine in memory that passes it too and fails on demand.
package enginetest

import (
	"context"
	"testing"
	"time"

	"muster/worker"
)

// A Harness is what the suite needs to try an engine. Each test gets one of its own, for a device name
// that no other test uses.
type Harness struct {
	// Engine is the one under test. It shows no containers at first.
	Engine worker.Engine
	// Again is another engine for the same device on the same machine, as after a restart of the worker.
	Again worker.Engine
	// Other is an engine for another device on the same machine.
	Other worker.Engine
	// Forever is an image that runs until it is stopped, Once one that ends at once; both are in a
	// registry. Missing is a reference that no registry has and that is not present.
	Forever, Once, Missing string
	// Once ends with OnceCode, which is not 0, after it has written OnceSays.
	OnceCode int
	OnceSays string
	// Check runs the container's health check, where that takes somebody besides the engine; nil where it does not.
	Check func(ctx context.Context, id string)
	// Port gives a host port that nothing uses.
	Port func() int
	// Prefix begins every app name, so that container names do not meet those of others on the machine.
	Prefix string
}

// patience is how long the suite waits for what a machine does by itself.
const patience = 30 * time.Second

// Run tries an engine. Everything that the suite makes is removed again.
func Run(t *testing.T, newHarness func(t *testing.T) Harness) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Harness)
	}{
		{"facts", testFacts},
		{"images", testImages},
		{"pull of a missing image", testPullMissing},
		{"images that there are", testImageList},
		{"an image that a container has stays", testImageInUse},
		{"what a pull takes", testPullSize},
		{"free space", testFree},
		{"life of a container", testLife},
		{"list is ordered", testListOrder},
		{"another engine of the device sees the same", testAgain},
		{"another device sees nothing", testOther},
		{"create without the image", testCreateWithoutImage},
		{"create without a network", testCreateWithoutNetwork},
		{"create with a taken name", testCreateTakenName},
		{"one is staged and takes another's place", testStage},
		{"stage with a taken name", testStageTakenName},
		{"rename", testRename},
		{"start with a taken port", testStartTakenPort},
		{"start of nothing", testStartNothing},
		{"details", testDetails},
		{"restart", testRestart},
		{"a run of a cron_job", testCronRun},
		{"logs", testLogs},
		{"stats", testStats},
		{"health", testHealth},
		{"restarts by the engine", testRestarts},
		{"remove", testRemove},
		{"networks", testNetworks},
		{"a container that ends at once", testOnce},
		{"events", testEvents},
		{"a context that has ended", testEndedContext},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHarness(t)
			t.Cleanup(func() { removeAll(t, h) })
			test.run(t, h)
		})
	}
}

// removeAll removes what a test left, so that the next one starts clean.
func removeAll(t *testing.T, h Harness) {
	// The test's own context has ended by now.
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, engine := range []worker.Engine{h.Engine, h.Other} {
		containers, err := engine.List(ctx)
		if err != nil {
			t.Errorf("clean up: %v", err)
			continue
		}
		for _, c := range containers {
			if err := engine.Remove(ctx, c.ID); err != nil {
				t.Errorf("clean up %s: %v", c.Name, err)
			}
		}
	}
}

// spec is one that every engine can run.
func (h Harness) spec(app string, index int) worker.Spec {
	return worker.Spec{
		App: h.Prefix + app, Index: index, AppID: 1, Image: h.Forever,
		Env: map[string]string{"GREETING": "hello"}, Networks: []string{"nebula", "bridge"},
	}
}

// pulled has the images for [Harness.spec] and Once present.
func (h Harness) pulled(t *testing.T) {
	t.Helper()
	for _, image := range []string{h.Forever, h.Once} {
		if err := h.Engine.Pull(t.Context(), image, nil); err != nil {
			t.Fatalf("Pull(%s): %v", image, err)
		}
	}
}

// create makes a container and ends the test when it cannot.
func create(t *testing.T, engine worker.Engine, spec worker.Spec) string {
	t.Helper()
	id, err := engine.Create(t.Context(), spec)
	if err != nil {
		t.Fatalf("Create(%s): %v", spec.Name(), err)
	}
	if id == "" {
		t.Fatalf("Create(%s) gave no id", spec.Name())
	}
	return id
}

// start starts a container and ends the test when it cannot.
func start(t *testing.T, engine worker.Engine, id string) {
	t.Helper()
	if err := engine.Start(t.Context(), id); err != nil {
		t.Fatalf("Start(%s): %v", id, err)
	}
}

// list reads the containers and ends the test when it cannot.
func list(t *testing.T, engine worker.Engine) []worker.Container {
	t.Helper()
	containers, err := engine.List(t.Context())
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	return containers
}

// waitFor waits until the only container is in one of the states.
func waitFor(t *testing.T, engine worker.Engine, states ...string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		containers := list(t, engine)
		for _, state := range states {
			if len(containers) == 1 && containers[0].State == state {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("containers are %+v, want one that is %v", containers, states)
		}
		select {
		case <-t.Context().Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}
