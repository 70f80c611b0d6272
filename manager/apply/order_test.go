package apply_test

import (
	"errors"
	"testing"

	"muster/manager/apply"
)

// What can only be done in an order that nobody knows beforehand is done all the same.
func TestPortsPassFromAppToApp(t *testing.T) {
	r := setUp(t)
	const before = `
apps:
  a: {docker_image: i, starting_ports: [80]}
  b: {docker_image: i, starting_ports: [81]}
  c: {docker_image: i, starting_ports: [82]}
  old: {docker_image: i, starting_ports: [83]}
device_groups: {g: {apps: [a, b, c, old]}}`
	const after = `
apps:
  a: {docker_image: i, starting_ports: [81]}
  b: {docker_image: i, starting_ports: [82]}
  c: {docker_image: i, starting_ports: [83]}
  new: {docker_image: i, starting_ports: [84]}
device_groups: {g: {apps: [a, b, c, new]}}`
	if err := r.plan(before, false).Run(t.Context(), func(apply.Step, error) {}); err != nil {
		t.Fatal(err)
	}
	if err := r.plan(after, true).Run(t.Context(), func(s apply.Step, err error) {
		if err != nil {
			t.Errorf("%v: %v", s, err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if p := r.plan(after, true); len(p.Steps) != 0 {
		t.Errorf("left to do: %v", p.Steps)
	}
}

// What is to take the place of something comes first, or nothing goes.
func TestNothingIsDeletedAfterAFailure(t *testing.T) {
	r := setUp(t)
	r.apply("apps: {old: {docker_image: i}}", false, `create app "old"`)
	p := r.plan("apps: {new: {docker_image: i}}", true)
	if _, err := r.client.Apps().Create(t.Context(), "new", map[string]any{"docker_image": "j"}); err != nil {
		t.Fatal(err)
	}
	var left error
	if err := p.Run(t.Context(), func(s apply.Step, err error) {
		if s.Action == apply.Delete {
			left = err
		}
	}); err == nil || !errors.Is(left, apply.ErrHeldBack) {
		t.Errorf("%v; the deletion: %v", err, left)
	}
	if _, err := r.client.Apps().Get(t.Context(), "old"); err != nil {
		t.Errorf("old: %v", err)
	}
}
