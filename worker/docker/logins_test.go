package docker_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"oras.land/oras-go/v2/registry/remote/auth"

	"muster/test/rig"
	"muster/topics"
	"muster/worker/docker"
)

const secret = "s3cr3t-p4ss"

// password is one that never changes.
func password(p string) func() (string, error) { return func() (string, error) { return p, nil } }

// writeConfig writes a config.json of Docker's own tools.
func writeConfig(t *testing.T, path, format string, args ...any) string {
	t.Helper()
	if err := os.WriteFile(path, fmt.Appendf(nil, format, args...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// auths is the member auths of such a file, for one registry.
func auths(registry, user, password string) string {
	return fmt.Sprintf(`"auths":{%q:{"auth":%q}}`, registry, base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
}

// helper is a credential helper, in the PATH while the test lasts, that knows one registry.
func helper(t *testing.T, name, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "docker-credential-"+name), []byte("#!/bin/sh\nread -r registry\n"+script+"\n"), 0o700); err != nil { //nolint:gosec
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func TestLogins(t *testing.T) {
	helper(t, "one", `[ "$registry" = helped:5000 ] && echo '{"ServerURL":"","Username":"h","Secret":"hp"}' || { echo "credentials not found in native keychain"; exit 1; }`)
	helper(t, "broken", `echo "no key for $registry"; exit 1`)
	for _, test := range []struct {
		name     string
		logins   docker.Logins
		file     string
		registry string
		want     auth.Credential
		err      string
	}{
		{name: "no file", registry: "r:5000"},
		{name: "flags", logins: docker.Logins{Host: "r:5000", User: "u", Password: password("p")}, registry: "r:5000", want: auth.Credential{Username: "u", Password: "p"}},
		{name: "flags with a URL", logins: docker.Logins{Host: "https://r:5000/v2/", User: "u", Password: password("p")}, registry: "r:5000", want: auth.Credential{Username: "u", Password: "p"}},
		{name: "flags for another registry", logins: docker.Logins{Host: "r:5000", User: "u", Password: password("p")}, registry: "other:5000"},
		{name: "flags of Docker Hub by default", logins: docker.Logins{User: "u", Password: password("p")}, registry: "docker.io", want: auth.Credential{Username: "u", Password: "p"}},
		{name: "Nebula's name of Docker Hub", logins: docker.Logins{Host: "https://index.docker.io/v1/", User: "u", Password: password("p")}, registry: "registry-1.docker.io", want: auth.Credential{Username: "u", Password: "p"}},
		{name: "flags that are not for Docker Hub", logins: docker.Logins{Host: "r:5000", User: "u", Password: password("p")}, registry: "docker.io"},
		{name: "a password that cannot be read", logins: docker.Logins{Host: "r:5000", User: "u", Password: func() (string, error) { return "", errors.New("boom") }}, registry: "r:5000", err: "boom"},
		{name: "file", file: `{` + auths("r:5000", "u", "p:q") + `}`, registry: "r:5000", want: auth.Credential{Username: "u", Password: "p:q"}},
		{name: "flags before file", logins: docker.Logins{Host: "r:5000", User: "u", Password: password("p")}, file: `{` + auths("r:5000", "x", "y") + `}`, registry: "r:5000", want: auth.Credential{Username: "u", Password: "p"}},
		{name: "file with a URL", file: `{` + auths("https://r:5000/v1/", "u", "p") + `}`, registry: "r:5000", want: auth.Credential{Username: "u", Password: "p"}},
		{name: "file with another registry", file: `{` + auths("q:5000", "u", "p") + `}`, registry: "r:5000"},
		{name: "file with Docker Hub as Docker writes it", file: `{` + auths("https://index.docker.io/v1/", "u", "p") + `}`, registry: "docker.io", want: auth.Credential{Username: "u", Password: "p"}},
		{name: "file with Docker Hub as Podman writes it", file: `{` + auths("docker.io", "u", "p") + `}`, registry: "registry-1.docker.io", want: auth.Credential{Username: "u", Password: "p"}},
		{name: "identity token", file: `{"auths":{"r:5000":{"identitytoken":"t"}}}`, registry: "r:5000", want: auth.Credential{RefreshToken: "t"}},
		{name: "helper of one registry", file: `{"credHelpers":{"helped:5000":"one"},` + auths("r:5000", "u", "p") + `}`, registry: "helped:5000", want: auth.Credential{Username: "h", Password: "hp"}},
		{name: "beside it the file", file: `{"credHelpers":{"helped:5000":"one"},` + auths("r:5000", "u", "p") + `}`, registry: "r:5000", want: auth.Credential{Username: "u", Password: "p"}},
		{name: "helper of all registries", file: `{"credsStore":"one"}`, registry: "helped:5000", want: auth.Credential{Username: "h", Password: "hp"}},
		{name: "helper that has none", file: `{"credsStore":"one"}`, registry: "r:5000"},
		{name: "helper that is not installed", file: `{"credsStore":"not-there"}`, registry: "r:5000", err: "docker-credential-not-there"},
		{name: "helper that fails", file: `{"credsStore":"broken"}`, registry: "r:5000", err: "no key for r:5000"},
		{name: "file that is no JSON", file: `{"auths":` + secret, registry: "r:5000", err: "is not valid"},
		{name: "auth without a colon", file: `{"auths":{"r:5000":{"auth":"` + base64.StdEncoding.EncodeToString([]byte(secret)) + `"}}}`, registry: "r:5000", err: "is not valid"},
		{name: "auth that is no base64", file: `{"auths":{"r:5000":{"auth":"` + secret + `!"}}}`, registry: "r:5000", err: "is not valid"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.logins.ConfigFile = filepath.Join(t.TempDir(), "config.json")
			if test.file != "" {
				writeConfig(t, test.logins.ConfigFile, "%s", test.file)
			}
			got, err := test.logins.Credential(t.Context(), test.registry)
			if got != test.want {
				t.Errorf("Credential(%s) = %+v, want %+v", test.registry, got, test.want)
			}
			if said := fmt.Sprint(err); err != nil && (test.err == "" || !strings.Contains(said, test.err)) || err == nil && test.err != "" {
				t.Errorf("Credential(%s): %v, want %q", test.registry, err, test.err)
			} else if strings.Contains(said, secret) {
				t.Errorf("Credential(%s): %q tells the secret", test.registry, said)
			}
		})
	}
}

// Without a setting the file is that of Docker's own tools.
func TestLoginsOfDockersOwnTools(t *testing.T) {
	home, dir := t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("DOCKER_CONFIG", "")
	if err := os.Mkdir(filepath.Join(home, ".docker"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeConfig(t, filepath.Join(home, ".docker", "config.json"), "{%s}", auths("r:5000", "home", "p"))
	writeConfig(t, filepath.Join(dir, "config.json"), "{%s}", auths("r:5000", "dir", "p"))
	for _, test := range []struct{ home, config, want string }{{home, "", "home"}, {home, dir, "dir"}, {"", "", ""}} {
		t.Setenv("HOME", test.home)
		t.Setenv("DOCKER_CONFIG", test.config)
		if got, err := (docker.Logins{}).Credential(t.Context(), "r:5000"); err != nil || got.Username != test.want {
			t.Errorf("HOME=%s DOCKER_CONFIG=%s: user %q, %v, want %q", test.home, test.config, got.Username, err, test.want)
		}
	}
}

// A private registry, as small and as large ones demand credentials, with a file that others renew.
func TestPullWithCredentials(t *testing.T) {
	api, registry := rig.Docker(t), rig.NewRegistry(t)
	for name, private := range map[string]rig.Fault{
		"basic": rig.BasicAuth("u", secret), "token": rig.TokenAuth("u", secret, ""), "identity token": rig.TokenAuth("", secret, secret),
	} {
		t.Run(name, func(t *testing.T) {
			front, image := rig.NewFaultyRegistry(t, registry, api), rig.Name("hello")
			push(t, registry, image, rig.Hello{Version: "v1", Padding: 1000})
			front.Set(private)
			ref := front.Ref(image, "v1")
			good := auths(front.Addr, "u", secret)
			if name == "identity token" {
				good = fmt.Sprintf(`"auths":{%q:{"identitytoken":%q}}`, front.Addr, secret)
			}
			file := filepath.Join(t.TempDir(), "config.json")
			engine := newEngine(t, api, docker.Options{Device: rig.Name("device"), Logins: docker.Logins{ConfigFile: file}})

			said := pullCode(t, engine, ref, topics.ReasonPullUnauthorized)
			if !strings.Contains(said, "there are none for it") {
				t.Errorf("without credentials: %q", said)
			}
			writeConfig(t, file, "{%s}", auths(front.Addr, "u", "old-"+secret))
			said = pullCode(t, engine, ref, topics.ReasonPullUnauthorized)
			if !strings.Contains(said, "does not accept the credentials") || strings.Contains(said, secret) {
				t.Errorf("with old credentials: %q", said)
			}
			writeConfig(t, file, `{"auths":%s`, secret)
			said = pullCode(t, engine, ref, topics.ReasonPullUnauthorized)
			if !strings.Contains(said, file+" is not valid") || strings.Contains(said, secret) {
				t.Errorf("with a file that is not valid: %q", said)
			}
			writeConfig(t, file, "{%s}", good)
			if err := engine.Pull(t.Context(), ref, nil); err != nil {
				t.Errorf("with good credentials: %v", err)
			}
		})
	}
}

// A public image needs no credentials, even if those that there are cannot be read.
func TestPullOfAPublicImageWithBrokenCredentials(t *testing.T) {
	registry := rig.NewRegistry(t)
	ref := registry.Push(t, rig.Name("hello"), rig.Hello{Version: "v1"})
	file := writeConfig(t, filepath.Join(t.TempDir(), "config.json"), `{"credsStore":"not-there"}`)
	engine := newEngine(t, rig.Docker(t), docker.Options{Device: rig.Name("device"), Logins: docker.Logins{ConfigFile: file}})
	if err := engine.Pull(t.Context(), ref, nil); err != nil {
		t.Error(err)
	}
}

// What a registry says is passed on, and it may say back what it was shown.
func TestPullErrorHidesWhatTheRegistryRepeats(t *testing.T) {
	registry := rig.NewRegistry(t)
	front := rig.NewFaultyRegistry(t, registry, nil)
	front.Set(rig.On("/manifests/", answer(403, "DENIED", "not with "+base64.StdEncoding.EncodeToString([]byte("u:"+secret)))), rig.BasicAuth("u", secret))
	engine := newEngine(t, rig.Docker(t), docker.Options{Device: rig.Name("device"),
		Logins: docker.Logins{Host: front.Addr, User: "u", Password: password(secret)}})
	said := pullCode(t, engine, front.Ref("any", "v1"), topics.ReasonPullUnauthorized)
	if strings.Contains(said, base64.StdEncoding.EncodeToString([]byte("u:"+secret))) {
		t.Errorf("Pull: %q repeats the password", said)
	}
	front.Set(rig.On("/manifests/", rig.Answer(403, "not with "+secret)))
	said = pullCode(t, engine, front.Ref("any", "v1"), topics.ReasonPullUnauthorized)
	if strings.Contains(said, secret) || !strings.Contains(said, "***") {
		t.Errorf("Pull: %q repeats the password", said)
	}
}
