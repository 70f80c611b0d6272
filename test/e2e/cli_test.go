package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"muster/test/rig"
)

// An admin is somebody who types commands in a home of their own.
type admin struct {
	t    testing.TB
	home string
}

// muster runs a command as a shell does, and gives what it prints and its exit code.
func (a admin) muster(args ...string) (stdout, stderr string, code int) {
	a.t.Helper()
	command := exec.Command(rig.Build(a.t, "muster/cmd/muster"), args...)
	command.Env = append(os.Environ(), "HOME="+a.home, "XDG_CONFIG_HOME=", "MUSTER_URL=", "MUSTER_TOKEN=", "MUSTER_USER=")
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	err := command.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		a.t.Fatal(err)
	}
	return out.String(), errs.String(), code
}

// expect is muster with all that should be seen.
func (a admin) expect(code int, stdout, stderr string, args ...string) {
	a.t.Helper()
	if out, errs, got := a.muster(args...); got != code || out != stdout || errs != stderr {
		a.t.Errorf("muster %v: exit code %d, want %d\nstdout %q\nwant   %q\nstderr %q\nwant   %q", args, got, code, out, stdout, errs, stderr)
	}
}

// An admin logs in once, looks, and changes something, against a manager started by hand.
func TestTheAdminsCommands(t *testing.T) {
	dir := t.TempDir()
	manager := start(t, "muster", "serve", "--data-dir", dir, "--http-addr", "127.0.0.1:0", "--mqtt-addr", "127.0.0.1:0")
	manager.awaitLog("ready")
	in := &installation{t: t, dir: filepath.Dir(dir)}
	in.httpAddr, in.password = in.read(dir, "http.addr"), in.read(dir, "admin-password")
	url := "http://" + in.httpAddr
	a := admin{t, t.TempDir()}

	a.expect(1, "", "muster: credentials are missing or wrong\n", "get", "apps", "--url", url)
	config := filepath.Join(a.home, ".config/muster/config.yaml")
	a.expect(0, url+" takes the credentials; they are kept in "+config+"\n", "",
		"login", "--url", url, "--user", "admin", "--password-file", filepath.Join(dir, "admin-password"))
	in.must("POST", "/apps/web", fields{"docker_image": "registry.invalid/hello:v1", "starting_ports": []any{8080}})
	in.must("POST", "/device_groups/shops", fields{"apps": []string{"web"}, "cron_jobs": []string{}})
	a.expect(0, "NAME  IMAGE                      RUNNING  CONTAINERS    PORTS      APP_ID\n"+
		"web   registry.invalid/hello:v1  yes      1 per server  8080:8080  1\n", "", "get", "apps")
	a.expect(1, "app \"web\" stopped (app_id 2)\n", "muster: app \"none\" does not exist\n", "stop", "app", "none", "web")
	var app fields
	if out, _, _ := a.muster("get", "app", "web", "-o", "json"); json.Unmarshal([]byte(out), &app) != nil || app["running"] != false || app["app_id"] != 2.0 {
		t.Errorf("the app is %s", out)
	}
	a.expect(2, "", "muster: unknown flag: --nope\n", "get", "apps", "--nope")
	if out, _, code := a.muster("__complete", "delete", "app", ""); code != 0 || !strings.HasPrefix(out, "web\n:4") {
		t.Errorf("completion offers %q", out)
	}
	if script, _, code := a.muster("completion", "bash"); code != 0 || !strings.Contains(script, "__complete") {
		t.Errorf("exit code %d, no completion script:\n%.200s", code, script)
	}
	if out, errs, _ := a.muster("get", "configs", "shops", "-o", "yaml"); strings.Contains(out+errs+manager.log.String()[strings.Index(manager.log.String(), "ready"):], in.password) {
		t.Error("the password is in the output or the log")
	}
	manager.stop()
	out, errs, code := a.muster("get", "apps")
	if want := "muster: list apps: " + url + ": is a manager running there? "; code != 1 || out != "" || !strings.HasPrefix(errs, want) || strings.Count(errs, "\n") != 1 {
		t.Errorf("without a manager: exit code %d, %q, %q", code, out, errs)
	}
}
