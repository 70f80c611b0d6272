package admin_test

import (
	"strings"
	"testing"
)

// The optional fields of an app are shown, exported, and taken back as they are.
func TestOptionsOfAnApp(t *testing.T) {
	manager(t)
	const file = `{"apps": {"web": {"docker_image": "nginx:1", "cpus": 0.5, "stop_grace_seconds": 0, "restart_policy": "no", "labels": {"a.b": "1"}, "healthcheck": {"test": ["NONE"]}}}}`
	if r := musterReads(t, file, "apply", "-f", "-"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	const shown = "cpus: 0.5\nlabels:\n  a.b: \"1\"\nstop_grace_seconds: 0\nrestart_policy: \"no\"\nhealthcheck:\n  test:\n    - NONE\n"
	if r := muster(t, "describe", "app", "web"); r.code != 0 || !strings.Contains(r.stdout, shown) {
		t.Errorf("described as %+v, want %q in it", r, shown)
	}
	exported := muster(t, "export")
	musterReads(t, exported.stdout, "apply", "-f", "-", "--dry-run").want(t, 0, "0 to create, 0 to change, 0 to delete, 1 as they should be\n", "")
}
