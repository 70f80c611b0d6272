package rig

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/client"
)

// enginePatience is how long an engine of a test's own may take to start, or to stop with its containers.
const enginePatience = time.Minute

//go:embed engine.sh
var engineScript string

// EngineOptions say how an engine of a test's own is to be.
type EngineOptions struct {
	// LiveRestore lets containers run on while the engine is down. Without it, which is how Docker comes, the
	// engine ends them when it is stopped, or when it starts after a kill, and then starts those again whose
	// restart policy says so.
	LiveRestore bool
	// Disk is how many bytes all that the engine keeps may have; 0 is what the machine has.
	Disk int64
}

// An Engine is a dockerd of a test's own, with a containerd, a data directory and networks of its own. It has the
// machine's ports and files, so that its containers are reached as those of the machine's engine are, and it
// pulls from a [Registry]. Its methods are for one goroutine at a time, except the client's.
type Engine struct {
	*client.Client
	// Host is the engine's address, for DOCKER_HOST.
	Host string
	// Data is the directory that holds all that the engine keeps; with a Disk it is one: to be filled.
	Data string

	t      testing.TB
	orders io.WriteCloser
	answer *os.File
	log    *os.File
	up     bool
}

// OwnEngine starts an engine that lasts as long as the test, and that the test may stop, kill and fill. Nothing
// of it is left afterwards. The test fails when
// it is not root, or when there is no dockerd.
func OwnEngine(t testing.TB, o EngineOptions) *Engine {
	t.Helper()
	e := &Engine{t: t}
	if err := e.boot(o); err != nil {
		t.Fatalf("engine of the test's own: %v; be root, and have dockerd (Debian: apt-get install docker.io iproute2)", err)
	}
	var err error
	e.Client, err = client.NewClientWithOpts(client.WithHost(e.Host), client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Client.Close() })
	e.Start()
	e.Client.NegotiateAPIVersion(t.Context()) // left to the first call, it is a data race of those that come together
	return e
}

// boot runs the script, whose clean-up is the last that the test does.
func (e *Engine) boot(o EngineOptions) error {
	slot, lock, err := engineSlot()
	if err != nil {
		return err
	}
	defer lock.Close()                     // the script holds it on
	dir, err := os.MkdirTemp("", "engine") // the test's own directory can have too long a name for a socket
	if err != nil {
		return err
	}
	e.Host, e.Data = "unix://"+filepath.Join(dir, "docker.sock"), filepath.Join(dir, "data")
	e.log, err = os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	script := filepath.Join(dir, "engine.sh")
	if err := os.WriteFile(script, []byte(engineScript), 0o700); err != nil {
		return err
	}
	// 198.18.0.0/15 is for tests of networks, so nobody's machine is there.
	third := slot * 4
	gateway := fmt.Sprintf("198.%d.%d.1/25", 18+third/256, third%256)
	disk := ""
	if o.Disk > 0 {
		disk = "size=" + strconv.FormatInt(o.Disk, 10)
	}
	cmd := exec.Command("sh", script, dir, fmt.Sprint("muster-test-", slot), gateway, disk,
		"--live-restore="+strconv.FormatBool(o.LiveRestore))
	cmd.Stderr, cmd.ExtraFiles = e.log, []*os.File{lock}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the tests: the script cleans up after them
	e.orders, err = cmd.StdinPipe()
	if err != nil {
		return err
	}
	var said *os.File
	e.answer, said, err = os.Pipe()
	if err != nil {
		return err
	}
	defer said.Close()
	cmd.Stdout = said
	if err := cmd.Start(); err != nil {
		return err
	}
	e.t.Cleanup(func() { e.close(cmd) })
	return nil
}

// engineSlot is a small number that no other engine has until the file is closed, by all who have it open.
func engineSlot() (int, *os.File, error) {
	dir := filepath.Join(os.TempDir(), "muster-test-engines")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return 0, nil, err
	}
	for slot := range 128 {
		lock, err := os.OpenFile(filepath.Join(dir, strconv.Itoa(slot)), os.O_CREATE|os.O_RDWR, 0o666)
		if err != nil {
			return 0, nil, err
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			return slot, lock, nil
		}
		_ = lock.Close()
	}
	return 0, nil, errors.New("128 of them run already")
}

// close has the script end everything, and waits for it.
func (e *Engine) close(cmd *exec.Cmd) {
	defer e.log.Close()
	defer e.answer.Close()
	if e.t.Failed() {
		e.t.Logf("log of the engine at %s, its end:\n%s", e.Host, e.logged())
	}
	_ = e.orders.Close()
	killed := time.AfterFunc(enginePatience, func() { _ = cmd.Process.Kill() })
	if err := cmd.Wait(); err != nil || !killed.Stop() {
		e.t.Errorf("end of the engine at %s: %v", e.Host, err)
	}
}

// Start starts the engine after Stop, Kill or PowerCut, and returns when it answers.
func (e *Engine) Start() {
	e.t.Helper()
	e.Launch()
	e.Await()
}

// Launch starts the engine and does not wait until it answers.
func (e *Engine) Launch() {
	e.t.Helper()
	if !e.up {
		e.order("start")
		e.up = true
	}
}

// Await returns when the engine answers.
func (e *Engine) Await() {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.t.Context(), enginePatience)
	defer cancel()
	for {
		_, err := e.Ping(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			e.t.Fatalf("engine at %s does not answer: %v", e.Host, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends the engine as a package upgrade does, and returns when it has ended.
func (e *Engine) Stop() {
	e.t.Helper()
	e.down("stop")
}

// Kill ends the engine without giving it a chance to do anything more; its containers run on.
func (e *Engine) Kill() {
	e.t.Helper()
	e.down("kill")
}

// PowerCut ends the engine and all containers at once. Only what is in Data is left for the next Start.
func (e *Engine) PowerCut() {
	e.t.Helper()
	e.order("cut")
	e.up = false
}

func (e *Engine) down(how string) {
	e.t.Helper()
	if e.up {
		e.order(how)
		e.up = false
	}
}

// order tells the script what to do and returns when it is done.
func (e *Engine) order(what string) {
	e.t.Helper()
	_, err := io.WriteString(e.orders, what+"\n")
	if err == nil {
		_ = e.answer.SetReadDeadline(time.Now().Add(enginePatience))
		var said string
		if said, err = bufio.NewReader(e.answer).ReadString('\n'); err == nil && strings.TrimSpace(said) != what {
			err = fmt.Errorf("it says %q", said)
		}
	}
	if err != nil {
		e.t.Fatalf("engine at %s, %s: %v", e.Host, what, err)
	}
}

// logged is the end of the log of dockerd, containerd and the script.
func (e *Engine) logged() string {
	log, err := os.ReadFile(e.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(log[max(0, len(log)-8000):])
}
