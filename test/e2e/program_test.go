package e2e

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"muster/test/logs"
	"muster/test/rig"
)

// patience is how long a test waits for what must happen. It is no statement about speed: two cores may be
// running many tests at once.
const patience = 60 * time.Second

// A program is one of Muster's, running.
type program struct {
	t    testing.TB
	name string
	cmd  *exec.Cmd
	done chan struct{}
	err  error // after done
	log  *logs.Buffer
}

// start runs a program with its arguments until the test ends. Its log is shown when the test fails.
func start(t testing.TB, name string, args ...string) *program {
	t.Helper()
	return run(t, name, exec.Command(rig.Build(t, "muster/cmd/"+name), args...))
}

// run is start for any command, with those that it starts itself.
func run(t testing.TB, name string, cmd *exec.Cmd) *program {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p := &program{t: t, name: name, cmd: cmd, done: make(chan struct{}), log: new(logs.Buffer)}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("log of %s (pid %d):\n%s", name, p.cmd.Process.Pid, p.log)
		}
		if log := p.log.String(); strings.Contains(log, "DATA RACE") {
			t.Errorf("%s has a data race:\n%s", name, log)
		}
	})
	return p
}

// kill ends the program without a chance to do anything about it.
func (p *program) kill() {
	select {
	case <-p.done: // its number may be another's by now
	default:
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	}
	<-p.done
}

// stop asks the program to end, as Ctrl-C does, and expects it to end well.
func (p *program) stop() {
	p.t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-p.done:
		if p.err != nil {
			p.t.Errorf("%s stopped with %v", p.name, p.err)
		}
	case <-time.After(patience):
		p.t.Errorf("%s did not stop", p.name)
		p.kill()
	}
}

// wait expects the program to end by itself, and gives its exit code and all that it printed.
func (p *program) wait() (code int, log string) {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatalf("%s did not end", p.name)
	}
	if exit := new(exec.ExitError); errors.As(p.err, &exit) {
		return exit.ExitCode(), p.log.String()
	}
	return 0, p.log.String()
}

// awaitLog waits until the program has logged text.
func (p *program) awaitLog(text string) {
	p.t.Helper()
	await(p.t, fmt.Sprintf("%s to log %q", p.name, text), func() error {
		if !strings.Contains(p.log.String(), text) {
			return errors.New("not yet")
		}
		select {
		case <-p.done:
			if !strings.Contains(p.log.String(), text) {
				return fmt.Errorf("it ended: %w", p.err)
			}
		default:
		}
		return nil
	})
}

// await tries until there is no error any more.
func await(t testing.TB, what string, try func() error) {
	t.Helper()
	awaitFor(t, patience, what, try)
}

// awaitFor tries for that long.
func awaitFor(t testing.TB, limit time.Duration, what string, try func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s: %v", limit, what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
