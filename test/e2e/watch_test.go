package e2e

import (
	"net"
	"os/exec"
	"strings"
	"testing"

	"muster/test/logs"
	"muster/topics"
)

// A watcher is somebody who looks on with mosquitto_sub.
type watcher struct {
	t   testing.TB
	log *logs.Buffer
}

// watch collects the device's statuses until the test ends.
func (in *installation) watch(d *device) *watcher {
	return &watcher{t: in.t, log: in.subscribe(topics.DefaultRoot.Topic(topics.DeviceStatus, d.name), "-R")}
}

// subscribe runs mosquitto_sub until the test ends. It may miss what is sent at once, because it does not say when
// it has subscribed. It prints payloads, and whatever more the options ask for.
func (in *installation) subscribe(filter string, options ...string) *logs.Buffer {
	in.t.Helper()
	host, port, err := net.SplitHostPort(in.mqttAddr)
	if err != nil {
		in.t.Fatal(err)
	}
	log := new(logs.Buffer)
	cmd := exec.Command("mosquitto_sub", append([]string{"-h", host, "-p", port, "-t", filter, "-q", "1"}, options...)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		in.t.Fatal(err)
	}
	in.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return log
}

// neverBack checks that the versions that the device said it had applied never went back.
func (w *watcher) neverBack() {
	w.t.Helper()
	var last topics.Version
	count := 0
	for line := range strings.Lines(w.log.String()) {
		if !strings.HasPrefix(line, "{") {
			continue // mosquitto_sub's own words about a lost connection
		}
		status, err := topics.ParseStatus([]byte(line))
		if err != nil {
			w.t.Errorf("status %s: %v", line, err)
			continue
		}
		if status.State != topics.Online {
			continue // a will names the config of its connection's start
		}
		count++
		if last.Newer(status.Version) {
			w.t.Errorf("the device went back from %v to %v", last, status.Version)
		}
		last = status.Version
	}
	if count == 0 {
		w.t.Error("no status was seen")
	}
}
