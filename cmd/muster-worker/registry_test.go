package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"
	"oras.land/oras-go/v2/registry/remote/auth"

	"muster/cmd/internal/program"
	"muster/cmd/internal/settings"
)

// registryOf reads the settings of a command line and the environment.
func registryOf(t *testing.T, args ...string) registryFlags {
	t.Helper()
	var f registryFlags
	command := &cobra.Command{RunE: func(*cobra.Command, []string) error { return nil }}
	f.declare(command.Flags())
	program.Settings(command, settings.Aliases{
		"registry-host": nebulaNames["registry-host"], "registry-auth-user": nebulaNames["registry-auth-user"],
		"registry-auth-password": nebulaNames["registry-auth-password"],
	})
	var stderr bytes.Buffer
	if code := program.Run(command, args, &stderr); code != 0 {
		t.Fatalf("%q: %s", args, &stderr)
	}
	return f
}

// Nebula's environment is understood, and Muster's own names win.
func TestRegistryFromNebulasEnvironment(t *testing.T) {
	t.Setenv("REGISTRY_HOST", "https://r.example/v2/")
	t.Setenv("REGISTRY_AUTH_USER", "theirs")
	t.Setenv("REGISTRY_AUTH_PASSWORD", "p")
	t.Setenv("MUSTER_REGISTRY_AUTH_USER", "ours")
	f := registryOf(t)
	logins, err := f.logins()
	if err != nil {
		t.Fatal(err)
	}
	got, err := logins.Credential(t.Context(), "r.example")
	if want := (auth.Credential{Username: "ours", Password: "p"}); got != want || err != nil {
		t.Errorf("Credential = %+v, %v, want %+v", got, err, want)
	}
}

// A password that is renewed in its file is used without a restart.
func TestPasswordFileIsReadAnew(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	f := registryOf(t, "--registry-host=r:5000", "--registry-auth-user=u", "--registry-auth-password-file="+file)
	renew := func(password string) {
		if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	renew("first")
	logins, err := f.logins()
	if err != nil {
		t.Fatal(err)
	}
	for _, password := range []string{"first", "second"} {
		renew(password)
		if got, err := logins.Credential(t.Context(), "r:5000"); got.Password != password || err != nil {
			t.Errorf("password %q, %v, want %q", got.Password, err, password)
		}
	}
}
