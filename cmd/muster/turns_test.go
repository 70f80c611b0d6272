package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"muster/broker/client"
	"muster/broker/client/network"
	"muster/broker/client/network/networktest"
	"muster/test/rig"
	"muster/topics"
)

// A process is a "muster bridge" that can be killed and hang.
type process struct {
	t       *testing.T
	program string
	args    []string
	dir     string
	command *exec.Cmd
}

func (p *process) start() {
	p.t.Helper()
	p.command = exec.Command(p.program, p.args...) //nolint:noctx // it is killed in the end
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log, err := os.OpenFile(filepath.Join(p.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	defer log.Close()
	p.command.Stderr = log
	if err := p.command.Start(); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) kill() {
	_ = p.command.Process.Kill()
	_ = p.command.Wait()
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.command.Process.Signal(s); err != nil {
		p.t.Error(err)
	}
}

// holds reports whether it says that it has the session.
func (p *process) holds() bool {
	return strings.Contains(answerOf(p.dir, "/metrics"), "\nmuster_bridge_source_connected 1\n")
}

// startProcesses starts bridges of one name, with one store.
func startProcesses(t *testing.T, n int, args ...string) []*process {
	t.Helper()
	program := rig.Build(t, "muster/cmd/muster")
	var all []*process
	for range n {
		p := &process{t: t, program: program, dir: t.TempDir()}
		p.args = append([]string{"bridge", "--data-dir", p.dir, "--http-addr=127.0.0.1:0", "--broker-keep-alive=2s", "--reconnect-max=1s"}, args...)
		p.start()
		t.Cleanup(func() {
			p.kill()
			if log, _ := os.ReadFile(filepath.Join(p.dir, "log")); t.Failed() {
				t.Logf("%s:\n%s", p.dir, log)
			}
		})
		all = append(all, p)
	}
	return all
}

// awaitHolder returns the bridge of those that has the session.
func awaitHolder(t *testing.T, among []*process) *process {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if i := slices.IndexFunc(among, (*process).holds); i >= 0 {
			return among[i]
		}
	}
	t.Fatal("no bridge has the session")
	return nil
}

func others(all []*process, p *process) []*process {
	return slices.DeleteFunc(slices.Clone(all), func(q *process) bool { return p == q })
}

// Whatever happens to the bridge whose turn it is, another takes its place, nobody fights for it, and all reports are in the store.
func TestTurnsOfProcesses(t *testing.T) {
	b, database := rig.Mosquitto(t, rig.MosquittoOptions{}), rig.MongoDB(t)
	reader := startServing(t, "--mongo-url", database, "--bridge=false")
	var mu sync.Mutex
	var holders []string
	watcher := networktest.Dial(t, network.Options{URL: b.URL(), ClientID: "watcher"})
	err := watcher.Subscribe(client.Subscription{Filter: topics.DefaultRoot.Topic(topics.BridgeStatus, bridgeName), QoS: 1, Handler: func(m client.Message) {
		mu.Lock()
		defer mu.Unlock()
		if p, err := topics.ParsePresence(m.Payload); err == nil && p.State == topics.Online && (len(holders) == 0 || holders[len(holders)-1] != p.Instance) {
			holders = append(holders, p.Instance)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	all := startProcesses(t, 3, "--broker-url", b.URL(), "--mongo-url", database) // at once
	holder := awaitHolder(t, all)

	sent, ended := make(chan int, 1), make(chan struct{})
	go func() {
		bus := networktest.Dial(t, network.Options{URL: b.URL(), ClientID: "d1"})
		for seq := 0; ; {
			m := client.Message{Topic: topics.DefaultRoot.Topic(topics.DeviceReport, "d1"), Payload: []byte(reportOf("d1", seq+1)), QoS: 1}
			if bus.Publish(t.Context(), m) == nil {
				seq++
			}
			select {
			case <-ended:
				sent <- seq
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()

	const rounds = 2
	for range rounds {
		holder.kill()
		next := awaitHolder(t, others(all, holder))
		holder.start()
		holder = next

		holder.signal(syscall.SIGSTOP)
		next = awaitHolder(t, others(all, holder))
		holder.signal(syscall.SIGCONT)
		reader.await("that it stands by that hung", func() error {
			if holder.holds() {
				return fmt.Errorf("it has the session")
			}
			return nil
		})
		holder = next
	}
	for _, p := range all {
		p.kill()
	}
	for _, p := range all {
		p.start()
	}
	awaitHolder(t, all)
	close(ended)
	last := <-sent
	var got []int64
	reader.await("all reports", func() (err error) {
		if got, err = reader.seqs("d1"); err != nil {
			return err
		}
		if seen := len(slices.Compact(slices.Sorted(slices.Values(got)))); seen != last {
			return fmt.Errorf("%d reports of %d", seen, last)
		}
		return nil
	})
	mu.Lock()
	defer mu.Unlock()
	t.Logf("%d reports, %d more than once; the session was with %v", last, len(got)-last, holders)
	// Those who wait at the same moment may all go before they hear of each other, each once: three at either start, two whenever the
	// holder is gone. Who fights goes on and on.
	if most := 3 + 2*(2*rounds) + 3; len(holders) > most {
		t.Errorf("the session changed hands %d times, want at most %d", len(holders), most)
	}
}
