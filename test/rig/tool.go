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

// A toolModule is a module of test programs.
type toolModule struct {
	// folder is where it is, below test.
	folder string
	// tags are build tags, separated by commas.
	tags string
}

var (
	commonTools = toolModule{folder: "tools"}
	// ferretdbTool leaves out the backend that is not used.
	ferretdbTool = toolModule{folder: "ferretdb", tags: "ferretdb_no_postgresql"}
)

// A tool is a running program of such a module.
type tool struct {
	// addr is the host:port that it listens on.
	addr  string
	cmd   *exec.Cmd
	stdin io.Closer
}

// startTool builds and starts a program of a module; ctx limits that, not its life. It ends with stop or
// kill, or with this process.
func startTool(ctx context.Context, m toolModule, name string, args ...string) (*tool, error) {
	program, err := m.path(ctx, name)
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

// path builds a program of the module into Go's build cache, once.
func (m toolModule) path(ctx context.Context, name string) (string, error) {
	tools.Lock()
	defer tools.Unlock()
	if path, ok := tools.paths[name]; ok {
		return path, nil
	}
	root, err := moduleRoot(ctx)
	if err != nil {
		return "", err
	}
	var env []string
	if m.tags != "" {
		env = []string{"GOFLAGS=" + strings.TrimSpace(os.Getenv("GOFLAGS")+" -tags="+m.tags)}
	}
	path, err := goCommand(ctx, env, "-C", filepath.Join(root, "test", m.folder), "tool", "-n", name)
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

// kill ends the program without giving it a chance to do anything more, and waits for its end.
func (p *tool) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	_ = p.stdin.Close()
}
