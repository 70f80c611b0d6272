package rig_test

import (
	"os/exec"
	"strings"
	"testing"

	"muster/test/rig"
)

func TestBuild(t *testing.T) {
	program := rig.Build(t, "muster/test/rig/hello")
	err := exec.Command(program, "-exit", "3").Run()
	if err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("%s -exit 3: %v", program, err)
	}
	if again := rig.Build(t, "muster/test/rig/hello"); again != program {
		t.Errorf("built again as %s, want %s", again, program)
	}
}
