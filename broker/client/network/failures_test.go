package network

import (
	"context"
	"net"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// One line for each attempt, at growing intervals, and no secrets.
func TestLogOfFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, text := logged()
		o, where, err := Options{URL: "mqtt://user:secret@broker.example", ClientID: "c", Log: log}.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		attempts := 0
		c := start(o, where, func(context.Context) (net.Conn, error) {
			attempts++
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		})
		time.Sleep(10 * time.Hour)
		_ = c.Close()
		if lines := strings.Count(text(), "\n"); lines != attempts {
			t.Errorf("%d lines for %d attempts", lines, attempts)
		}
		if attempts > 300 {
			t.Errorf("%d attempts in ten hours", attempts)
		}
		first, _, _ := strings.Cut(text(), "\n")
		for _, want := range []string{
			"level=WARN", "broker=mqtt://broker.example:1883", "client_id=c", "attempt=1", "retry_in=",
			"connection refused", "nothing listens there",
		} {
			if !strings.Contains(first, want) {
				t.Errorf("the line does not have %q: %s", want, first)
			}
		}
		if strings.Contains(text(), "secret") || strings.Contains(text(), "user") {
			t.Errorf("the log has credentials:\n%s", text())
		}
	})
}

// A connection costs its buffers and goroutines, not room for 65,535 messages. It is looked at in a process of its
// own, because what earlier tests have left behind is collected at any time.
func TestConnectionIsSmall(t *testing.T) {
	const alone = "MUSTER_TEST_CONNECTION_ALONE"
	if os.Getenv(alone) != "" {
		t.Logf("bytes=%d", heapPerConnection(t))
		return
	}
	test := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestConnectionIsSmall$", "-test.v")
	test.Env = append(os.Environ(), alone+"=1")
	out, err := test.CombinedOutput()
	found := regexp.MustCompile(`bytes=(\d+)`).FindSubmatch(out)
	if err != nil || found == nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	bytes, err := strconv.Atoi(string(found[1]))
	if err != nil || bytes == 0 || bytes > 40<<10 { // both sides of the pipe are in it
		t.Errorf("a connection keeps %d bytes of heap, want at most 40 KiB; %v", bytes, err)
	}
}

func heapPerConnection(t *testing.T) int64 {
	const clients = 50
	b := &fakeBroker{}
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	var all []*Client
	for range clients {
		c := b.dial(t, Options{})
		awaitUp(c)
		all = append(all, c)
	}
	perClient := (heap() - before) / clients
	for _, c := range all {
		_ = c.Close()
	}
	b.wg.Wait()
	return perClient
}

// What the worker links: the protocol library alone, without its managed connection, queues and
// request/response, and no server.
func TestImports(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "muster/broker/client/network\n") {
		t.Fatalf("go list does not list this package:\n%s", out)
	}
	banned := regexp.MustCompile(`(?m)^(github\.com/eclipse/paho\.golang/(autopaho|paho/extensions|paho/store/file).*|github\.com/(mochi-mqtt|gorilla)/.*|muster/(broker|manager.*|worker.*)|testing)$`)
	if found := banned.FindAllString(string(out), -1); found != nil {
		t.Errorf("must not be imported: %v", found)
	}
}
