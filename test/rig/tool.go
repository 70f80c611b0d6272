package rig

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A tool is a running program of the module test/tools.
type tool struct {
	// addr is the host:port that it listens on.
	addr  string
	cmd   *exec.Cmd
	stdin io.Closer
}

// startTool builds and starts a program of the module test/tools; ctx limits that, not its life. It ends
// with stop, or with this process.
func startTool(ctx context.Context, name string, args ...string) (*tool, error) {
	program, err := toolPath(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", name, err)
	}
	cmd := exec.Command(program, args...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &tool{cmd: cmd, stdin: stdin}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: it ended before it listened", name), p.stop())
	}
	p.addr = strings.TrimSpace(line)
	return p, nil
}

var tools struct {
	sync.Mutex
	paths map[string]string
}

// toolPath builds a program of the module test/tools into Go's build cache, once.
func toolPath(ctx context.Context, name string) (string, error) {
	tools.Lock()
	defer tools.Unlock()
	if path, ok := tools.paths[name]; ok {
		return path, nil
	}
	root, err := moduleRoot(ctx)
	if err != nil {
		return "", err
	}
	path, err := goCommand(ctx, nil, "-C", filepath.Join(root, "test", "tools"), "tool", "-n", name)
	if err != nil {
		return "", err
	}
	if tools.paths == nil {
		tools.paths = map[string]string{}
	}
	tools.paths[name] = path
	return path, nil
}

// stop ends the program and waits for it. Its exit code is of no interest, except when it had to be killed.
func (p *tool) stop() error {
	_ = p.stdin.Close()
	killed := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
	err := p.cmd.Wait()
	if !killed.Stop() {
		return fmt.Errorf("stop %s: it had to be killed: %w", filepath.Base(p.cmd.Path), err)
	}
	return nil
}
