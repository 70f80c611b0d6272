package client_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Programs that only call a manager must not carry one.
func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	var linked []string
	for pkg := range strings.FieldsSeq(string(out)) {
		first, _, _ := strings.Cut(pkg, "/")
		if first == "muster" || strings.Contains(first, ".") {
			linked = append(linked, pkg)
		}
	}
	want := []string{
		"github.com/cenkalti/backoff/v5", "golang.org/x/sync/errgroup",
		"muster/manager/authority", "muster/manager/client", "muster/manager/fleet", "muster/manager/store", "muster/topics", "muster/topics/token",
	}
	slices.Sort(linked)
	if !slices.Equal(linked, want) {
		t.Errorf("linked are\n%s\nand should be\n%s", strings.Join(linked, "\n"), strings.Join(want, "\n"))
	}
}
