package admin_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/manager/api/apitest"
)

func TestLogin(t *testing.T) {
	server := apitest.Start(t)
	home := nobody(t)
	config := filepath.Join(home, ".config", "muster", "config.yaml")
	musterReads(t, "wrong\n", "login", "--url", server.URL).want(t, 1, "", "muster: credentials are missing or wrong\n")
	musterReads(t, "\n", "login", "--url", server.URL).want(t, 2, "", "muster: token: must not be empty; else give user and password-file\n")
	if _, err := os.Stat(config); !os.IsNotExist(err) {
		t.Fatalf("credentials that were not taken are kept: %v", err)
	}
	musterReads(t, apitest.Token+"\n", "login", "--url", server.URL).want(t, 0, server.URL+" takes the credentials; they are kept in "+config+"\n", "")
	muster(t, "get", "apps").want(t, 0, "NAME  IMAGE  RUNNING  CONTAINERS  PORTS  APP_ID\n", "")
	info, err := os.Stat(config)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}

	// A password stays where it is, wherever the commands are run afterwards.
	t.Chdir(home)
	if err := os.WriteFile("password", []byte(apitest.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := muster(t, "login", "--url", server.URL, "--user", apitest.User, "--password-file", "password"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	content, err := os.ReadFile(config)
	if want := "url: " + server.URL + "\nuser: root\npassword-file: " + filepath.Join(home, "password") + "\n"; err != nil || string(content) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, content, want)
	}
	t.Chdir(t.TempDir())
	if r := muster(t, "status"); r.code != 0 || !strings.Contains(r.stdout, server.URL) {
		t.Errorf("%+v", r)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(config), ".*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
