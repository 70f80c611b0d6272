package rig

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// mosquittoPatience is how long a Mosquitto may take to answer a CONNECT after its start.
const mosquittoPatience = 20 * time.Second

// MosquittoOptions say how a Mosquitto for tests is to be. The zero value lets everybody do everything.
type MosquittoOptions struct {
	// Users are the passwords by user name. When there are any, nobody else gets in.
	Users map[string]string
	// ACL is the content of an access control list file; see mosquitto.conf(5).
	ACL string
	// Also are the listeners to have besides the plain one: "mqtts", "ws" and "wss".
	Also []string
	// CertFile and KeyFile are the PEM files of "mqtts" and "wss".
	CertFile, KeyFile string
	// Dir is where it keeps sessions and retained messages, with "persistence true" in Config; by default it comes back empty
	// from a Stop and Start.
	Dir string
	// Config are further lines for mosquitto.conf, which belong to the last listener where that matters.
	Config string
}

// A Broker is a Mosquitto process of a test's own, on loopback ports of its own.
type Broker struct {
	t         testing.TB
	options   MosquittoOptions
	firstPort int
	config    string

	mu    sync.Mutex
	log   bytes.Buffer
	stdin io.Closer     // nil while stopped
	done  chan struct{} // closed when the process has ended
}

// guard runs its arguments as a command, writes its process id into the file $0, and kills it when its own standard input ends. So
// the broker does not outlive the tests, however they end.
const guard = `exec 3<&0; "$@" & pid=$!; echo $pid >"$0"; { read -r _ <&3; kill -9 $pid; } >/dev/null 2>&1 & wait $pid`

// Mosquitto starts a Mosquitto that ends with the test. The test fails when Mosquitto is not installed.
func Mosquitto(t testing.TB, o MosquittoOptions) *Broker {
	t.Helper()
	b := &Broker{t: t, options: o, firstPort: FreePorts(t, 1+len(o.Also))}
	b.config = b.writeConfig(t.TempDir())
	t.Cleanup(func() {
		b.Stop()
		if t.Failed() {
			t.Logf("mosquitto on %s:\n%s", b.Addr(), b.logged())
		}
	})
	b.Start()
	return b
}

// Addr is the plain listener's host:port.
func (b *Broker) Addr() string { return b.addr("mqtt") }

// URL is the plain listener's URL, without credentials.
func (b *Broker) URL() string { return b.URLOf("mqtt", "") }

// URLOf is the URL of the listener for that scheme, with the name and password of one of the Users when
// user is not empty.
func (b *Broker) URLOf(scheme, user string) string {
	u := url.URL{Scheme: scheme, Host: b.addr(scheme)}
	if user != "" {
		u.User = url.UserPassword(user, b.options.Users[user])
	}
	return u.String()
}

func (b *Broker) addr(scheme string) string {
	return fmt.Sprint("127.0.0.1:", b.firstPort+1+slices.Index(b.options.Also, scheme))
}

// Stop kills the process, if it runs, and waits until it is gone.
func (b *Broker) Stop() {
	b.mu.Lock()
	stdin, done := b.stdin, b.done
	b.stdin = nil
	b.mu.Unlock()
	if stdin == nil {
		return
	}
	_ = stdin.Close()
	<-done
}

// Reload has the process read its files again, as "systemctl reload" does, and returns when it has begun to.
func (b *Broker) Reload() {
	b.t.Helper()
	const reloading = "Reloading config."
	before := strings.Count(b.logged(), reloading)
	text, err := os.ReadFile(b.pidFile())
	if err != nil {
		b.t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGHUP)
	}
	if err != nil {
		b.t.Fatalf("mosquitto of process %q: %v", text, err)
	}
	for deadline := time.Now().Add(mosquittoPatience); strings.Count(b.logged(), reloading) == before; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatal("mosquitto does not reload")
		}
	}
}

func (b *Broker) pidFile() string { return b.config + ".pid" }

// Start starts the process on the same port as before and returns when it answers.
func (b *Broker) Start() {
	b.t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path = "/usr/sbin/mosquitto" // not everybody's PATH has it
	}
	if _, err := os.Stat(path); err != nil {
		b.t.Fatal("this test needs Mosquitto: apt-get install mosquitto")
	}
	cmd := exec.Command("sh", "-c", guard, b.pidFile(), path, "-v", "-c", b.config)
	cmd.Stdout, cmd.Stderr = logWriter{b}, logWriter{b}
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.t.Fatalf("start mosquitto: %v", err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(done)
	}()
	b.mu.Lock()
	b.stdin, b.done = stdin, done
	b.mu.Unlock()
	b.awaitReady(done)
}

// awaitReady polls until the broker answers.
func (b *Broker) awaitReady(done <-chan struct{}) {
	b.t.Helper()
	deadline := time.Now().Add(mosquittoPatience)
	for {
		err := b.probe()
		if err == nil {
			return
		}
		select {
		case <-done:
			b.t.Fatalf("mosquitto ended at its start:\n%s", b.logged())
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("mosquitto on %s does not answer: %v\n%s", b.Addr(), err, b.logged())
		}
	}
}

// probe asks the plain listener for a CONNACK; of which kind does not matter. Mosquitto serves no listener
// before it has opened all.
func (b *Broker) probe() error {
	conn, err := net.DialTimeout("tcp", b.Addr(), time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	// CONNECT of MQTT 3.1.1: clean session, keep-alive 10 s, client id "probe".
	if _, err := conn.Write([]byte("\x10\x11\x00\x04MQTT\x04\x02\x00\x0a\x00\x05probe")); err != nil {
		return err
	}
	var connack [4]byte
	if _, err := io.ReadFull(conn, connack[:]); err != nil {
		return err
	}
	if connack[0] != 0x20 {
		return fmt.Errorf("answered a CONNECT with %x", connack)
	}
	return nil
}

func (b *Broker) writeConfig(dir string) string {
	b.t.Helper()
	lines := []string{
		"user root", // only heeded when started by root, who owns the files
		"log_dest stderr",
		"set_tcp_nodelay true",
	}
	if b.options.Dir == "" {
		lines = append(lines, "persistence false")
	} else {
		lines = append(lines, "persistence_location "+b.options.Dir+"/")
	}
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			b.t.Fatal(err)
		}
		return path
	}
	if len(b.options.Users) == 0 {
		lines = append(lines, "allow_anonymous true")
	} else {
		var plain strings.Builder
		for user, password := range b.options.Users {
			fmt.Fprintf(&plain, "%s:%s\n", user, password)
		}
		path := file("passwords", plain.String())
		if out, err := exec.Command("mosquitto_passwd", "-U", path).CombinedOutput(); err != nil {
			if errors.Is(err, exec.ErrNotFound) {
				b.t.Fatal("this test needs Mosquitto: apt-get install mosquitto")
			}
			b.t.Fatalf("mosquitto_passwd: %v: %s", err, out)
		}
		lines = append(lines, "allow_anonymous false", "password_file "+path)
	}
	if b.options.ACL != "" {
		lines = append(lines, "acl_file "+file("acl", b.options.ACL))
	}
	for i, scheme := range slices.Concat([]string{"mqtt"}, b.options.Also) {
		lines = append(lines, fmt.Sprintf("listener %d 127.0.0.1", b.firstPort+i))
		if strings.HasPrefix(scheme, "ws") {
			lines = append(lines, "protocol websockets")
		}
		if strings.HasSuffix(scheme, "s") && scheme != "ws" {
			lines = append(lines, "certfile "+b.options.CertFile, "keyfile "+b.options.KeyFile)
		}
	}
	return file("mosquitto.conf", strings.Join(append(lines, b.options.Config), "\n")+"\n")
}

// logWriter keeps the broker's log for the case that the test fails.
type logWriter struct{ b *Broker }

func (w logWriter) Write(p []byte) (int, error) {
	w.b.mu.Lock()
	defer w.b.mu.Unlock()
	return w.b.log.Write(p)
}

func (b *Broker) logged() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.String()
}
