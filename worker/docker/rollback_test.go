package docker_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"muster/test/rig"
	"muster/topics"
	"muster/worker"
)

// A tag that moves to an image that does not work: the containers are of the image before again, which no tag names any
// more, and stay so when the worker starts anew.
func TestGoingBackToAnImageThatHasNoTagAnyMore(t *testing.T) {
	d := newDevice(t, 0)
	registry, name := rig.NewRegistry(t), rig.Name("web")
	ref := registry.Push(t, name, rig.Hello{Version: "v1"})
	app := topics.NewApp(name, ref)
	app.Networks = []string{"none"}
	app.Healthcheck = &topics.Healthcheck{Test: []string{"CMD", "/hello", "-exit", "0"}, IntervalSeconds: 1, Retries: 1}
	stop := d.begin()
	d.offer(1, app)
	d.settles()
	eventually(t, "word that the version works", func() error { return logged(d, "version works") })
	good, err := d.engine.ImageID(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}

	if moved := registry.Push(t, name, rig.Hello{Version: "v1", Args: []string{"-exit", "3"}}); moved != ref {
		t.Fatalf("the second image is %s, want the tag %s moved", moved, ref)
	}
	app.AppID = 2
	app.Healthcheck.IntervalSeconds = 60 // it is to be given up because it ends
	d.offer(1, app)
	d.fails(name, topics.ReasonRolledBack)
	back := func() error {
		list, err := d.engine.List(t.Context())
		if err == nil && (len(list) != 1 || list[0].ImageID != good || list[0].State != "running" || list[0].Name != name+"-1") {
			err = fmt.Errorf("containers are %+v, want one of %s", list, good)
		}
		return err
	}
	eventually(t, "the version before", back)
	id := d.runs(name)
	stop()
	d.start()
	d.fails(name, topics.ReasonRolledBack)
	if err := back(); err != nil || d.runs(name) != id {
		t.Errorf("after a new start of the worker there is %s (%v), want %s as before", d.runs(name), err, id)
	}
}

// What is staged does not run after a power cut, though its restart policy would have it, and goes on from there.
func TestStagedContainerAfterAPowerCut(t *testing.T) {
	d := newDevice(t, 0)
	ref := rig.NewRegistry(t).Push(t, rig.Name("web"), rig.Hello{Version: "v1"})
	if err := d.engine.Pull(t.Context(), ref, nil); err != nil {
		t.Fatal(err)
	}
	spec := worker.Spec{App: "web", AppID: 1, Image: ref, Networks: []string{"none"}}
	before, err := d.engine.Create(t.Context(), spec)
	if err == nil {
		err = d.engine.Start(t.Context(), before)
	}
	spec.AppID = 2
	if err == nil {
		_, err = d.engine.Stage(t.Context(), spec)
	}
	if err != nil {
		t.Fatal(err)
	}
	d.own.PowerCut()
	d.own.Start()
	eventually(t, "the container that ran", func() error {
		list, err := d.engine.List(t.Context())
		if err == nil && (len(list) != 2 || list[0].ID != before || list[0].State != "running" || list[1].State != "created") {
			err = fmt.Errorf("containers are %+v, want the first running and the second as it was", list)
		}
		return err
	})
}

// begin runs a worker until stop is called.
func (d *device) begin() (stop func()) {
	d.t.Helper()
	w, err := worker.New(d.options)
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			d.t.Errorf("Run: %v", err)
		}
		if d.t.Failed() {
			d.t.Logf("log:\n%s", d.log)
		}
	})
	d.t.Cleanup(stop) // where the test ends early
	return stop
}

// logged fails unless the log has the words.
func logged(d *device, words string) error {
	if !strings.Contains(d.log.String(), words) {
		return errNotYet
	}
	return nil
}
