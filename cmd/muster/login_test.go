package main

import (
	"bytes"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/topics/token"
)

// Whom to trust is in a file, found beside a manager on this machine, or shows itself under the right pin; and is kept.
func TestLoginOverTLS(t *testing.T) {
	s := startServing(t, "--server-names=manager.example")
	root, _ := pem.Decode([]byte(s.file(rootsFile)))
	pin := token.PinOf(parse(t, root.Bytes).RawSubjectPublicKeyInfo).String()
	if !strings.Contains(s.log.String(), "ca_pin="+pin+" ") {
		t.Error("the log does not tell the pin of the authority")
	}
	url := "https://" + s.file(httpsAddrFile)
	home := t.TempDir()
	t.Chdir(home)
	t.Setenv("HOME", home)
	for _, name := range []string{"XDG_CONFIG_HOME", "MUSTER_URL", "MUSTER_TOKEN", "MUSTER_USER", "MUSTER_CA_FILE"} {
		t.Setenv(name, "")
	}
	muster := func(args ...string) error {
		command := newRoot(&bytes.Buffer{}, &bytes.Buffer{})
		command.SilenceErrors, command.SilenceUsage = true, true
		command.SetArgs(args)
		return command.ExecuteContext(t.Context())
	}
	login := func(args ...string) error {
		return muster(append([]string{"login", "--url", url, "--user=admin", "--password-file", filepath.Join(s.dir, "admin-password")}, args...)...)
	}
	for want, args := range map[string][]string{
		"(give ca-file, the file ca.pem of the manager's data directory, or ca-pin)": nil,
		"no certificate authority with this pin":                                     {"--ca-pin", token.PinOf([]byte("another")).String()},
		"ca-pin: must be 43 characters":                                              {"--ca-pin=x"},
		"ca-file and ca-pin: only one":                                               {"--ca-pin", pin, "--ca-file", filepath.Join(s.dir, rootsFile)},
		"ca-pin: needs a url with https://":                                          {"--ca-pin", pin, "--url", s.url},
	} {
		if err := login(args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("login %q: %v, want %q", args, err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(home, ".config")); !os.IsNotExist(err) {
		t.Fatalf("something was kept of logins that failed: %v", err)
	}
	for what, prepare := range map[string]func() []string{
		"pin":  func() []string { return []string{"--ca-pin", pin} },
		"file": func() []string { return []string{"--ca-file", filepath.Join(s.dir, rootsFile)} },
		"file in the working directory": func() []string {
			if err := os.CopyFS("muster-data", os.DirFS(s.dir)); err != nil {
				t.Fatal(err)
			}
			return nil
		},
	} {
		if err := login(prepare()...); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if err := muster("get", "apps"); err != nil {
			t.Errorf("after %s: %v", what, err)
		}
		for _, left := range []string{".config", "muster-data"} {
			if err := os.RemoveAll(left); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Right after a start, a command in the same directory finds the manager, over TLS and as the admin; a login is kept as such. Others'
// directories choose nothing.
func TestCommandsBesideAManager(t *testing.T) {
	home := t.TempDir()
	t.Chdir(home)
	t.Setenv("HOME", home)
	for _, name := range []string{"XDG_CONFIG_HOME", "MUSTER_URL", "MUSTER_TOKEN", "MUSTER_USER", "MUSTER_PASSWORD_FILE", "MUSTER_CA_FILE"} {
		t.Setenv(name, "")
	}
	s := startServingIn(t, filepath.Join(home, "muster-data"), "--https-addr=:0", "--http-addr=")
	muster := func(args ...string) (string, error) {
		var stdout bytes.Buffer
		command := newRoot(&stdout, &stdout)
		command.SilenceErrors, command.SilenceUsage = true, true
		command.SetArgs(args)
		err := command.ExecuteContext(t.Context())
		return stdout.String(), err
	}
	if _, err := muster("get", "apps"); err != nil {
		t.Error(err)
	}
	t.Setenv("MUSTER_TOKEN", "another")
	if _, err := muster("get", "apps"); err == nil || !strings.Contains(err.Error(), "credentials are missing or wrong") {
		t.Errorf("with a token of somebody else: %v", err)
	}
	t.Setenv("MUSTER_TOKEN", "")
	if _, err := muster("get", "apps", "--url=http://127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("with another url: %v", err)
	}
	for name, harm := range map[string]func() (undo func() error, err error){
		"others may write": func() (func() error, error) {
			return func() error { return os.Chmod(s.dir, 0o700) }, os.Chmod(s.dir, 0o770)
		},
		"another machine": func() (func() error, error) {
			path := filepath.Join(s.dir, httpsAddrFile)
			was := s.file(httpsAddrFile)
			return func() error { return os.WriteFile(path, []byte(was), 0o600) }, os.WriteFile(path, []byte("192.0.2.1:8443\n"), 0o600)
		},
		"another authority": func() (func() error, error) {
			path := filepath.Join(s.dir, rootsFile)
			was := s.file(rootsFile)
			return func() error { return os.WriteFile(path, []byte(was), 0o600) }, os.Remove(path)
		},
	} {
		undo, err := harm()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := muster("status"); err == nil || strings.Contains(err.Error(), "192.0.2.1") {
			t.Errorf("%s: %v", name, err)
		}
		if err := undo(); err != nil {
			t.Fatal(err)
		}
	}
	said, err := muster("login", "--user=admin", "--password-file=muster-data/admin-password")
	if err != nil || !strings.HasPrefix(said, "https://localhost:") {
		t.Errorf("login says %q, %v", said, err)
	}
	t.Chdir("/")
	if _, err := muster("get", "apps"); err != nil {
		t.Errorf("elsewhere, after the login: %v", err)
	}
}
