package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"muster/test/rig"
	"muster/topics"
)

// lastLine checks that a program that refused to work said why in one last line, and gives that line.
func lastLine(t *testing.T, code int, log string) string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(log), "\n")
	last := lines[len(lines)-1]
	if code != 1 && code != 2 {
		t.Errorf("exit code %d, want 1 or 2", code)
	}
	if strings.Contains(log, "goroutine ") || strings.Contains(last, "level=") {
		t.Errorf("the last line is no plain message:\n%s", log)
	}
	return last
}

func expect(t *testing.T, line string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(line, want) {
			t.Errorf("it says %q, want %q in it", line, want)
		}
	}
}

func TestTheManagerSaysWhatIsWrong(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	full := t.TempDir()
	if err := syscall.Mount("tmpfs", full, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatalf("this test mounts a small file system, as root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(full, 0); err != nil {
			t.Error(err)
		}
	})
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("not a database"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		args []string
		want []string
	}{
		{"unknown flag", []string{"--datadir=x"}, []string{"unknown flag: --datadir"}},
		{"broker URL without a scheme", []string{"--broker-url=localhost:1883"}, []string{"broker-url", "mqtt://"}},
		{"broker URL of another kind", []string{"--broker-url=http://localhost"}, []string{"broker-url", "mqtt://"}},
		{"REST port taken", []string{"--http-addr=" + taken.Addr().String()}, []string{"http-addr", taken.Addr().String(), "in use"}},
		{"MQTT port taken", []string{"--mqtt-addr=" + taken.Addr().String()}, []string{"mqtt-addr", taken.Addr().String(), "in use"}},
		{"no address", []string{"--http-addr=8080"}, []string{"http-addr", "HOST:PORT"}},
		{"data directory is a file", []string{"--data-dir=" + file}, []string{file}},
		{"disk full", []string{"--data-dir=" + full}, []string{full, "full"}},
		{"bad topic root", []string{"--topic-root=a/#"}, []string{"topic root", "a/#"}},
		{"bad log level", []string{"--log-level=loud"}, []string{"log-level", "loud"}},
		{"no authentication on all interfaces", []string{"--http-addr=0.0.0.0:0", "--auth-enabled=false"}, []string{"auth-enabled", "loopback"}},
		{"zero cache time", []string{"--cache-time=0s"}, []string{"cache-time", "above zero"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			args := append([]string{"serve", "--data-dir", t.TempDir(), "--http-addr=127.0.0.1:0", "--mqtt-addr=127.0.0.1:0"}, tc.args...)
			expect(t, refusal(t, start(t, "muster", args...)), tc.want...)
		})
	}
	t.Run("data directory in use", func(t *testing.T) {
		in := install(t, nil)
		expect(t, refusal(t, start(t, "muster", "serve", "--data-dir", in.dataDir(), "--http-addr=127.0.0.1:0", "--mqtt-addr=127.0.0.1:0")),
			in.dataDir(), "another")
	})
}

func TestTheWorkerSaysWhatIsWrong(t *testing.T) {
	corrupt := t.TempDir()
	if err := os.WriteFile(filepath.Join(corrupt, "config.json"), []byte(`{"truncated`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		args []string
		want []string
	}{
		{"no broker", []string{"--broker-url="}, []string{"broker-url", "must be given"}},
		{"broker URL without a scheme", []string{"--broker-url=localhost:1883"}, []string{"broker-url", "mqtt://"}},
		{"no group", []string{"--device-group="}, []string{"device-group"}},
		{"bad group", []string{"--device-group=a/b"}, []string{"device-group", "letters, digits"}},
		{"bad device", []string{"--device=a b"}, []string{"device", "letters, digits"}},
		{"corrupt state", []string{"--state-dir=" + corrupt}, []string{filepath.Join(corrupt, "config.json"), "move the file away"}},
		{"missing CA file", []string{"--broker-url=mqtts://127.0.0.1:1", "--broker-ca-file=/nowhere.pem"}, []string{"broker-ca-file", "/nowhere.pem"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			args := append([]string{"--broker-url=mqtt://127.0.0.1:1", "--device-group=g", "--device=d", "--state-dir", t.TempDir()}, tc.args...)
			expect(t, refusal(t, start(t, "muster-worker", args...)), tc.want...)
		})
	}
	t.Run("no broker there", func(t *testing.T) {
		w := start(t, "muster-worker", "--broker-url=mqtt://127.0.0.1:1", "--device-group=g", "--device=d", "--state-dir", t.TempDir())
		w.awaitLog("connection refused")
		w.stop()
	})
	t.Run("no Docker engine", func(t *testing.T) {
		t.Setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
		w := start(t, "muster-worker", "--broker-url=mqtt://127.0.0.1:1", "--device-group=g", "--device=d", "--state-dir", t.TempDir())
		w.awaitLog("/nowhere/docker.sock")
		w.awaitLog("Cannot connect to the Docker daemon")
		w.stop()
	})
}

func refusal(t *testing.T, p *program) string {
	t.Helper()
	code, log := p.wait()
	return lastLine(t, code, log)
}

// Config messages that a device must not follow: each is told in a line of the worker's log, and changes nothing.
func TestBadConfigMessagesChangeNothing(t *testing.T) {
	in := install(t, rig.Mosquitto(t, rig.MosquittoOptions{}))
	image := in.registry.Push(t, "hello", rig.Hello{Version: "v1"})
	name, port := rig.Name("app"), rig.FreePorts(t, 1)
	in.must("POST", "/apps/"+name, fields{"docker_image": image, "starting_ports": []any{fields{itoa(port): "8080"}}})
	in.must("POST", "/device_groups/shops", fields{"apps": []string{name}, "cron_jobs": []string{}})
	d := in.newDevice("shops")
	seen := in.watch(d)
	d.start()
	in.awaitAnswer(port, "hello v1")
	topic := topics.DefaultRoot.Topic(topics.GroupConfig, "shops")
	var older string
	retained := in.subscribe(topic)
	await(t, "the retained config", func() error {
		older, _, _ = strings.Cut(retained.String(), "\n")
		_, err := topics.ParseConfig([]byte(older))
		return err
	})
	in.must("PUT", "/apps/"+name+"/update", fields{"env_vars": fields{"GREETING": "second"}})
	in.awaitAnswer(port, "second v1")
	untouched := d.life(name + "-1")

	config, err := topics.ParseConfig([]byte(older))
	if err != nil {
		t.Fatal(err)
	}
	config.DeviceGroup, config.ConfigID = "elsewhere", 99
	foreign, err := topics.EncodeConfig(config.Version, config.IssuedAt, config.Content)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, payload string
		want          []string
	}{
		{"not JSON", "nonsense", []string{"not JSON"}},
		{"too large", "{" + strings.Repeat(" ", topics.MaxPayload) + "}", []string{fmt.Sprint(topics.MaxPayload)}},
		{"another group's", string(foreign), []string{"elsewhere", "shops"}},
		{"altered", strings.Replace(older, "v1", "v3", 1), []string{"sha256"}},
		{"older", older, []string{"older"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := len(d.worker.log.String())
			publish := exec.Command("mosquitto_pub", "-h", "127.0.0.1", "-p", in.mqttAddr[strings.LastIndex(in.mqttAddr, ":")+1:], "-t", topic, "-r", "-q", "1", "-s")
			publish.Stdin = strings.NewReader(tc.payload)
			if out, err := publish.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			await(t, "a line of the log", func() error {
				for line := range strings.Lines(d.worker.log.String()[before:]) {
					found := true
					for _, want := range tc.want {
						found = found && strings.Contains(line, want)
					}
					if found {
						return nil
					}
				}
				return fmt.Errorf("no line with %q", tc.want)
			})
			// The publisher puts the latest config back.
			await(t, "the repair", func() error {
				lines := strings.Split(strings.TrimSpace(retained.String()), "\n")
				last, err := topics.ParseConfig([]byte(lines[len(lines)-1]))
				if err == nil && (last.ConfigID != 2 || last.DeviceGroup != "shops") {
					err = fmt.Errorf("retained is %v of %s", last.Version, last.DeviceGroup)
				}
				return err
			})
			if now := d.life(name + "-1"); now != untouched {
				t.Errorf("the container was touched: %+v, was %+v", now, untouched)
			}
		})
	}
	seen.neverBack()
}
