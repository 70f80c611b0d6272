package main

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/topics"
)

// A listener is mosquitto_sub as a device that speaks MQTT 3.1.1 over TLS, and follows the configs of a device_group.
type listener struct {
	cmd   *exec.Cmd
	lines chan string
}

func (s *serving) listener(device, password, group string) *listener {
	s.t.Helper()
	host, port, err := net.SplitHostPort(s.file(mqttsAddrFile))
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	s.t.Cleanup(cancel)
	l := &listener{lines: make(chan string, 100)}
	l.cmd = exec.CommandContext(ctx, "mosquitto_sub", "-V", "mqttv311", "-h", host, "-p", port, "--cafile", filepath.Join(s.dir, "ca.pem"),
		"-i", device, "-u", device, "-P", password, "-q", "1", "-t", topics.DefaultRoot.Topic(topics.GroupConfig, group))
	out, err := l.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	l.cmd.Stderr = l.cmd.Stdout
	if err := l.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		defer close(l.lines)
		for in := bufio.NewScanner(out); in.Scan(); {
			l.lines <- in.Text()
		}
	}()
	return l
}

// wantConfig waits for what the device is to run.
func (l *listener) wantConfig(t *testing.T) {
	t.Helper()
	if line := <-l.lines; !strings.Contains(line, `"config_id"`) {
		t.Fatalf("it says %q, want a config", line)
	}
}

// wantRefused waits for its end, which is that the broker does not let it in.
func (l *listener) wantRefused(t *testing.T) {
	t.Helper()
	said := ""
	for line := range l.lines {
		said += line + "\n"
	}
	if err := l.cmd.Wait(); err == nil || !strings.Contains(said, "not authorised") {
		t.Errorf("it ends with %v, and says %q", err, said)
	}
}

// A device that can no more than MQTT 3.1.1 over TLS gets in by its secret and follows its group, until it is given another one.
func TestADeviceWithASecret(t *testing.T) {
	s := startServing(t, "--http-addr=127.0.0.1:0", "--mqtt-addr=127.0.0.1:0")
	for _, group := range []string{"meters", "tills"} {
		s.must(200, "POST", "/api/v2/device_groups/"+group, `{"apps": []}`)
	}
	secret := func(device string) string {
		var made struct{ Secret string }
		if err := json.Unmarshal([]byte(s.must(200, "POST", "/api/v2/devices/"+device+"/secret", `{"device_group": "meters"}`)), &made); err != nil {
			t.Fatal(err)
		}
		return made.Secret
	}
	first := secret("m1")
	m1 := s.listener("m1", first, "meters")
	m1.wantConfig(t)
	s.listener("m1", "a guess", "meters").wantRefused(t)
	s.listener("m2", first, "meters").wantRefused(t)

	next := secret("m1")
	m1.wantRefused(t)
	m1 = s.listener("m1", next, "meters")
	m1.wantConfig(t)

	// One that was in by the password of all devices is out when it has a secret of its own.
	guest := s.listener("guest", devicesPassword, "tills")
	guest.wantConfig(t)
	own := secret("guest")
	guest.wantRefused(t)
	s.listener("guest", own, "meters").wantConfig(t)

	s.must(200, "POST", "/api/v2/devices/m1/revoke", "")
	m1.wantRefused(t)
	for _, told := range []string{first, next, own} {
		if strings.Contains(s.log.String(), told) {
			t.Error("a secret is in the log")
		}
	}
}
