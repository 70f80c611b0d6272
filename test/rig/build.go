package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

var builds struct {
	sync.Mutex
	done map[string]string // package → path of the program
}

// Build compiles a program of this module, such as "muster/cmd/muster-worker", once in the life of the
// process, and returns its path. Under the race detector the program is watched as well.
func Build(t testing.TB, pkg string) string {
	t.Helper()
	builds.Lock()
	defer builds.Unlock()
	if program, ok := builds.done[pkg]; ok {
		return program
	}
	program, err := build(t.Context(), pkg)
	if err != nil {
		t.Fatal(err)
	}
	if builds.done == nil {
		builds.done = map[string]string{}
	}
	builds.done[pkg] = program
	return program
}

// build puts the program at a path that stays the same from run to run, because nothing in a test process
// runs late enough to remove it. A rename replaces what other processes may be running at that moment.
func build(ctx context.Context, pkg string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("build %s: %w", pkg, err)
	}
	dir := filepath.Join(cache, "muster-test")
	args := []string{"-race"}
	if !race {
		dir, args = dir+"-norace", nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("build %s: %w", pkg, err)
	}
	program := filepath.Join(dir, path.Base(pkg))
	fresh := fmt.Sprintf("%s.%d", program, os.Getpid())
	args = append(append([]string{"build", "-o", fresh}, args...), pkg)
	if _, err := goCommand(ctx, nil, args...); err != nil {
		return "", err
	}
	return program, os.Rename(fresh, program)
}

// goCommand runs the go command in the current directory and returns what it prints.
func goCommand(ctx context.Context, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, &stderr)
	}
	return strings.TrimSpace(stdout.String()), nil
}

// moduleRoot is the folder of this module's go.mod.
func moduleRoot(ctx context.Context) (string, error) {
	file, err := goCommand(ctx, nil, "env", "GOMOD")
	if err != nil {
		return "", err
	}
	if !filepath.IsAbs(file) {
		return "", errors.New("the current directory is not in the module")
	}
	return filepath.Dir(file), nil
}
