package main

import (
	"bytes"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/manager/token"
)

// Whom to trust is in a file, found beside a manager on this machine, or shows itself under the right pin; and is kept.
func TestLoginOverTLS(t *testing.T) {
	s := startServing(t, "--server-names=manager.example")
	root, _ := pem.Decode([]byte(s.file(rootsFile)))
	pin := token.PinOf(parse(t, root.Bytes).RawSubjectPublicKeyInfo).String()
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
		"ca-pin: must be the 43 characters":                                          {"--ca-pin=x"},
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
