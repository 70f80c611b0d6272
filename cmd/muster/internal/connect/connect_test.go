package connect

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// A home is where the settings come from. files are written below it with mode 0600.
type home struct {
	t   *testing.T
	dir string
}

func newHome(t *testing.T) home {
	t.Helper()
	h := home{t, t.TempDir()}
	t.Setenv("HOME", h.dir)
	for _, name := range []string{"XDG_CONFIG_HOME", "MUSTER_URL", "MUSTER_TOKEN", "MUSTER_USER", "MUSTER_PASSWORD_FILE", "MUSTER_CA_FILE", "MUSTER_INSECURE_HTTP", "MUSTER_TIMEOUT", "MUSTER_CONFIG"} {
		t.Setenv(name, "")
	}
	return h
}

func (h home) write(name, content string) (path string) {
	h.t.Helper()
	path = filepath.Join(h.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return path
}

// parse reads a command line as a command does.
func parse(t *testing.T, args ...string) *Flags {
	t.Helper()
	var f Flags
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f.Declare(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return &f
}

// asked says what a client with these settings asks for: "URL Authorization".
func asked(t *testing.T, args ...string) (string, error) {
	t.Helper()
	f := parse(t, args...)
	c, err := f.Client(nil)
	if err != nil {
		return "", err
	}
	who := ""
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who = r.Header.Get("Authorization")
		_, _ = w.Write([]byte("{}"))
	}))
	defer proxy.Close()
	url := c.URL()
	f.url, f.insecureHTTP = proxy.URL, true
	if c, err = f.client(nil); err == nil {
		err = c.Status(t.Context())
	}
	return strings.TrimSpace(url + " " + who), err
}

func TestWhatWins(t *testing.T) {
	const basicAnn, basicBob = "Basic YW5uOnB3", "Basic Ym9iOnB3" // with the password pw
	for _, tc := range []struct {
		name string
		file string
		env  map[string]string
		args []string
		want string
	}{
		{"default", "", nil, nil, "http://127.0.0.1:8080"},
		{"file", "url: https://file\ntoken: f\n", nil, nil, "https://file Bearer f"},
		{"file without a url", "token: f\n", nil, nil, "http://127.0.0.1:8080 Bearer f"},
		{"environment over file", "token: f\n", map[string]string{"MUSTER_TOKEN": "e"}, nil, "http://127.0.0.1:8080 Bearer e"},
		{"flag over environment", "token: f\n", map[string]string{"MUSTER_TOKEN": "e"}, []string{"--token=c"}, "http://127.0.0.1:8080 Bearer c"},
		{"user of the file", "user: ann\npassword-file: PW\n", nil, nil, "http://127.0.0.1:8080 " + basicAnn},
		{"token over the file's user", "user: ann\npassword-file: PW\n", map[string]string{"MUSTER_TOKEN": "e"}, nil, "http://127.0.0.1:8080 Bearer e"},
		{"user over the file's token", "token: f\n", map[string]string{"MUSTER_USER": "ann", "MUSTER_PASSWORD_FILE": "PW"}, nil, "http://127.0.0.1:8080 " + basicAnn},
		{"user with the file's password", "user: ann\npassword-file: PW\n", nil, []string{"--user=bob"}, "http://127.0.0.1:8080 " + basicBob},
		{"the file's token goes to the file's manager", "url: https://file\ntoken: f\n", nil, []string{"--url=https://file/"}, "https://file Bearer f"},
		{"and to no other", "url: https://file\ntoken: f\n", nil, []string{"--url=https://other"}, "https://other"},
		{"nor by the environment", "url: https://file\ntoken: f\n", map[string]string{"MUSTER_URL": "https://other"}, nil, "https://other"},
		{"nor without a url in the file", "token: f\n", nil, []string{"--url=https://other"}, "https://other"},
		{"nor the file's user", "user: ann\npassword-file: PW\n", nil, []string{"--url=https://other"}, "https://other"},
		{"what guards one manager guards no other", "url: http://file\ninsecure-http: true\nca-file: /nowhere\n", nil, []string{"--url=https://other"}, "https://other"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHome(t)
			password := h.write("pw", "pw\n")
			if tc.file != "" {
				h.write(".config/muster/config.yaml", strings.ReplaceAll(tc.file, "PW", password))
			}
			for name, value := range tc.env {
				t.Setenv(name, strings.ReplaceAll(value, "PW", password))
			}
			got, err := asked(t, tc.args...)
			if err != nil || got != tc.want {
				t.Errorf("%q, %v, want %q", got, err, tc.want)
			}
		})
	}
}

func TestWhereTheFileIs(t *testing.T) {
	h := newHome(t)
	h.write(".config/muster/config.yaml", "url: https://home\n")
	h.write("xdg/muster/config.yaml", "url: https://xdg\n")
	other := h.write("other.yaml", "url: https://other\n")
	for _, tc := range []struct{ xdg, config, want string }{
		{"", "", "https://home"},
		{filepath.Join(h.dir, "xdg"), "", "https://xdg"},
		{filepath.Join(h.dir, "empty"), "", "http://127.0.0.1:8080"},
		{"relative", "", "https://home"},
		{filepath.Join(h.dir, "xdg"), other, "https://other"},
	} {
		t.Setenv("XDG_CONFIG_HOME", tc.xdg)
		if got, err := asked(t, "--config="+tc.config); err != nil || got != tc.want {
			t.Errorf("%+v: %q, %v", tc, got, err)
		}
	}
	t.Setenv("HOME", "")
	t.Setenv("XDG_CONFIG_HOME", "")
	if got, err := asked(t); err != nil || got != "http://127.0.0.1:8080" {
		t.Errorf("without a home: %q, %v", got, err)
	}
}

func TestSettingsAreRefused(t *testing.T) {
	h := newHome(t)
	empty := h.write("empty", "\n")
	for _, tc := range []struct {
		name, file string
		args       []string
		want       string
	}{
		{"unknown key", "tokn: secret\n", nil, `config.yaml, line 1: unknown key "tokn"`},
		{"a key of another command", "all: true\n", nil, `unknown key "all"`},
		{"config in config", "config: x\n", nil, `unknown key "config"`},
		{"both credentials", "token: secret\nuser: ann\npassword-file: " + empty + "x\n", nil, "password-file: open"},
		{"no such file", "", []string{"--config=/nowhere.yaml"}, "config file: stat /nowhere.yaml"},
		{"user alone", "", []string{"--user=ann"}, "user and password-file: must be given together"},
		{"password alone", "", []string{"--password-file=" + empty}, "user and password-file: must be given together"},
		{"empty password", "", []string{"--user=ann", "--password-file=" + empty}, "password-file: " + empty + " is empty"},
		{"no such CA file", "", []string{"--url=https://x", "--ca-file=/nowhere"}, "ca-file: open /nowhere"},
		{"no certificate", "", []string{"--url=https://x", "--ca-file=" + empty}, "holds no PEM certificate"},
		{"token in the clear", "", []string{"--url=http://manager", "--token=secret"}, "insecure-http would allow it"},
		{"token and user", "", []string{"--token=secret", "--user=ann", "--password-file=" + h.write("pw", "pw")}, "token and user: only one"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h.write(".config/muster/config.yaml", tc.file)
			_, err := asked(t, tc.args...)
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
	if got, err := asked(t, "--url=http://manager", "--token=t", "--insecure-http"); err != nil || got != "http://manager Bearer t" {
		t.Errorf("insecure-http: %q, %v", got, err)
	}
}

// A token that others of this machine may have read is not one's own any more.
func TestATokenForItsOwnerAlone(t *testing.T) {
	h := newHome(t)
	for mode, refused := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o640: true, 0o604: true, 0o620: true, 0o601: true} {
		for _, content := range []string{"token: secret\n", "url: https://manager\n"} {
			if err := os.Chmod(h.write(".config/muster/config.yaml", content), mode); err != nil {
				t.Fatal(err)
			}
			_, err := asked(t)
			want := refused && strings.HasPrefix(content, "token")
			if (err != nil) != want || want && (!strings.Contains(err.Error(), "chmod 600") || strings.Contains(err.Error(), "secret")) {
				t.Errorf("mode %v, %q: %v", mode, content, err)
			}
			if err := os.Remove(filepath.Join(h.dir, ".config/muster/config.yaml")); err != nil {
				t.Fatal(err)
			}
		}
	}
}
