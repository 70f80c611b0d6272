package broker

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"muster/topics"
)

// mosquittoVersions are the values of mosquitto's -V for the protocols that the broker speaks.
var mosquittoVersions = []string{"mqttv5", "mqttv311"}

// mosquitto is a command line of mosquitto_pub or mosquitto_sub for the broker.
func mosquitto(ctx context.Context, t *testing.T, s *Server, program, version string, args ...string) *exec.Cmd {
	t.Helper()
	host, port, err := net.SplitHostPort(s.TCPAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, program, append([]string{"-h", host, "-p", port, "-V", version}, args...)...)
	cmd.WaitDelay = time.Second
	return cmd
}

// mosquittoSub starts mosquitto_sub and returns its output line by line, after its subscription is in place.
func mosquittoSub(t *testing.T, s *Server, version string, args ...string) <-chan string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cmd := mosquitto(ctx, t, s, "mosquitto_sub", version, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(out); in.Scan(); {
			lines <- in.Text()
		}
	}()
	t.Cleanup(func() {
		cancel()
		for range lines { // until it has ended
		}
		_ = cmd.Wait()
	})
	eventually(t, "mosquitto_sub has subscribed", func() bool { return s.mqtt.Info.Clone().Subscriptions > 0 })
	return lines
}

func wantLine(t *testing.T, lines <-chan string, want string) {
	t.Helper()
	select {
	case got := <-lines:
		if got != want {
			t.Fatalf("mosquitto_sub printed %q, want %q", got, want)
		}
	case <-time.After(patience):
		t.Fatalf("mosquitto_sub did not print %q", want)
	}
}

func mosquittoPub(t *testing.T, s *Server, version string, args ...string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := mosquitto(ctx, t, s, "mosquitto_pub", version, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("mosquitto_pub %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// People look at everything with mosquitto_sub, without credentials on the same machine, and devices without
// MQTT 5 take part.
func TestMosquitto(t *testing.T) {
	status := device(topics.DeviceStatus, "d1")
	for _, version := range mosquittoVersions {
		t.Run(version, func(t *testing.T) {
			s := listen(t, func(o *Options) { o.TCPAddr = "127.0.0.1:0" })
			manager := s.Client("manager")
			defer manager.Close()
			subject := &subject{t: t, guarded: s, manager: manager}
			subject.publish(group("a"), "config", true)

			lines := mosquittoSub(t, s, version, "-t", "muster/#", "-v")
			wantLine(t, lines, group("a")+" config")
			for _, qos := range []string{"0", "1"} {
				if err := mosquittoPub(t, s, version, "-t", status, "-m", "online"+qos, "-q", qos, "-r"); err != nil {
					t.Fatal(err)
				}
				wantLine(t, lines, status+" online"+qos)
			}
			if err := mosquittoPub(t, s, version, "-t", status, "-n", "-q", "1", "-r"); err != nil { // clears it
				t.Fatal(err)
			}
			wantLine(t, lines, status+" (null)")
			if got := s.retained.get(status, time.Now()); got != nil {
				t.Errorf("%q is still retained", got.payload)
			}
			// A local client may do what a device may, no more.
			_ = mosquittoPub(t, s, version, "-t", group("a"), "-m", "forged", "-q", "1", "-r")
			if got := s.retained.get(group("a"), time.Now()); got == nil || string(got.payload) != "config" {
				t.Error("the config was replaced by a local client")
			}
			subject.publish(group("a"), "end", false)
			wantLine(t, lines, group("a")+" end")
		})
	}
}

func TestMosquittoLogin(t *testing.T) {
	for _, version := range mosquittoVersions {
		t.Run(version, func(t *testing.T) {
			s := listen(t, func(o *Options) { o.TCPAddr = "127.0.0.1:0" })
			if err := mosquittoPub(t, s, version, "-u", "manager", "-P", "secret", "-t", group("a"), "-m", "x", "-q", "1", "-r"); err != nil {
				t.Error(err)
			}
			if n := s.Stats().Retained; n != 1 {
				t.Errorf("%d messages are retained, want 1", n)
			}
			if err := mosquittoPub(t, s, version, "-u", "manager", "-P", "wrong", "-t", group("a"), "-m", "x", "-q", "1"); err == nil {
				t.Error("a wrong password is good enough")
			}
		})
	}
}

// The will of a client that is killed is published.
func TestMosquittoKilled(t *testing.T) {
	status := device(topics.DeviceStatus, "d1")
	for _, version := range mosquittoVersions {
		t.Run(version, func(t *testing.T) {
			s := listen(t, func(o *Options) { o.TCPAddr = "127.0.0.1:0" })
			manager := s.Client("manager")
			defer manager.Close()
			heard := make(chan string, 10)
			subscribeLocal(t, manager, status, func(payload string) { heard <- payload })
			cmd := mosquitto(t.Context(), t, s, "mosquitto_sub", version, "-t", group("a"),
				"--will-topic", status, "--will-payload", "offline", "--will-qos", "1", "--will-retain")
			cmd.Stdout = io.Discard
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "mosquitto_sub is there", func() bool { return s.Connections() == 1 })
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			select {
			case payload := <-heard:
				if payload != "offline" {
					t.Errorf("heard %q", payload)
				}
			case <-time.After(patience):
				t.Fatal("the will was not published")
			}
		})
	}
}
