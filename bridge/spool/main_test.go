package spool_test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// childVariable makes this test binary be one of the children instead: a process that can be killed.
const childVariable = "MUSTER_SPOOL_TEST_CHILD"

var children = map[string]func(args []string) error{"append": appendForever}

func TestMain(m *testing.M) {
	part := os.Getenv(childVariable)
	if part == "" {
		os.Exit(m.Run())
	}
	if err := children[part](os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child prepares a process that runs one of the children.
func child(t *testing.T, part string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), childVariable+"="+part)
	cmd.Stderr = t.Output()
	return cmd
}
