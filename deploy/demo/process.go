package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// A process is one of Muster's programs. Its output appears with its name in front of each line.
type process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how it ended; to be read after done
}

// startProcess gives it secret, NAME=VALUE or nothing, in its environment, which others cannot read.
func startProcess(stdout io.Writer, name, secret, program string, args ...string) (*process, error) {
	p := &process{name: name, cmd: exec.Command(program, args...), done: make(chan struct{})}
	// Ctrl-C reaches every process of the terminal's group; a group of its own leaves the order to us. Then it must
	// end by itself when the demo is killed, or it would have the ports and the data for ever.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	p.cmd.Env = append(os.Environ(), secret)
	output, writer := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = writer, writer
	started := make(chan error, 1)
	go func() {
		// To Linux the parent is the thread, which lives for as long as this goroutine has it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			_ = writer.Close()
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	var copying sync.WaitGroup
	copying.Go(func() {
		for lines := bufio.NewScanner(output); lines.Scan(); {
			_, _ = fmt.Fprintf(stdout, "%-8s| %s\n", name, lines.Text())
		}
		_, _ = io.Copy(io.Discard, output) // a line too long for the scanner must not block the process
	})
	go func() {
		copying.Wait() // it ends after the process
		close(p.done)
	}()
	return p, nil
}

// ended says how a process that is done has ended, in an error in any case: it should not have.
func (p *process) ended() error {
	if p.err == nil {
		return errors.New("without an error")
	}
	return p.err
}

// stop asks the process to end, and kills it when it has not after a while.
func (p *process) stop() error {
	select {
	case <-p.done:
		return nil
	default:
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		if p.err != nil {
			return fmt.Errorf("stop %s: %w", p.name, p.err)
		}
		return nil
	case <-time.After(15 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
		return fmt.Errorf("stop %s: it did not end within 15 seconds and was killed", p.name)
	}
}

// preferred is addr, or a free port on the same host when another program has that one.
func preferred(addr string) string {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		host, _, _ := net.SplitHostPort(addr)
		fmt.Fprintf(os.Stderr, "demo: %s is taken, using a free port\n", addr)
		return net.JoinHostPort(host, "0")
	}
	_ = listener.Close()
	return addr
}
