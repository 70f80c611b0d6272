package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"muster/cmd/internal/program"
	"muster/test/logs"
	"muster/test/rig"
	"muster/worker/status"
)

// ask runs the status command on a state directory.
func ask(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = program.Run(newCommand(&out, &err), append([]string{"status"}, args...), &err)
	return code, out.String(), err.String()
}

func TestStatusOfAWorker(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if code, out, stderr := ask("--state-dir", dir); code != program.Differs || !strings.Contains(out, "does not run, and has said nothing yet") || stderr != "" {
		t.Errorf("before the first start: %d, %q, %q", code, out, stderr)
	}
	if code, _, stderr := ask("--state-dir", dir, "-o", "xml"); code != program.Misused || !strings.Contains(stderr, "output: must be text or json") {
		t.Errorf("-o xml: %d, %q", code, stderr)
	}

	log := &logs.Buffer{}
	worker := exec.Command(rig.Build(t, "muster/cmd/muster-worker"), "--broker-url", "mqtt://127.0.0.1:1", "--device-group", "g", "--device", "till-1",
		"--state-dir", dir, "--docker-host", "unix:///nowhere/engine.sock")
	worker.Stderr = log
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = worker.Process.Kill() }()
	t.Setenv("MUSTER_STATE_DIR", dir)
	var s status.Status
	eventually(t, func() bool {
		code, out, stderr := ask("-o", "json")
		s = status.Status{}
		return code == program.Failed && json.Unmarshal([]byte(out), &s) == nil && s.Running && s.Report != nil && s.Reports.Waiting > 0 && strings.Contains(stderr, "there is no config yet")
	})
	if s.Report.Device != "till-1" || s.Report.DeviceGroup != "g" || s.Report.BootID == "" || s.Report.MemoryUsage == nil {
		t.Errorf("the status is %+v", s)
	}
	eventually(t, func() bool {
		return strings.Contains(log.String(), "self-check") && strings.Contains(log.String(), "there is no socket /nowhere/engine.sock")
	})

	if err := worker.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = worker.Wait() // it was killed
	code, out, _ := ask()
	if code != program.Differs || !strings.Contains(out, "does not run;") || !strings.Contains(out, "till-1, device_group g") {
		t.Errorf("of a worker that was killed: %d, %q", code, out)
	}
}

// The exit code says in a script whether all is well.
func TestStatusExitCodes(t *testing.T) {
	dir := t.TempDir()
	write := func(report string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "report.json"), []byte(report), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lock := flock.New(filepath.Join(dir, "lock"))
	if ok, err := lock.TryLock(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	defer func() { _ = lock.Unlock() }()
	for _, tc := range []struct {
		report string
		code   int
		stderr string
	}{
		{`{"device":"d","device_group":"g","phase":"settled"}`, program.Done, ""},
		{`{"device":"d","device_group":"g","phase":"settled","failing":[{"app":"web","reason":"x"}]}`, program.Failed, "1 failing"},
		{`{"device":"d","device_group":"g","phase":"updating"}`, program.Failed, "not applied yet"},
	} {
		write(tc.report)
		code, _, stderr := ask("--state-dir", dir)
		if code != tc.code || !strings.Contains(stderr, tc.stderr) || (tc.stderr == "") != (stderr == "") {
			t.Errorf("%s: exit code %d, %q", tc.report, code, stderr)
		}
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := ask("--state-dir", dir); code != program.Differs || stderr != "" {
		t.Errorf("without a worker: exit code %d, %q", code, stderr)
	}
}

// eventually waits until it is so.
func eventually(t *testing.T, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !so(); {
		if time.Now().After(deadline) {
			t.Fatal("it did not come about")
		}
		time.Sleep(20 * time.Millisecond)
	}
}
