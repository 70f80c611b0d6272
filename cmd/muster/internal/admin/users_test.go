package admin_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/manager/api/apitest"
	"muster/manager/store"
)

// builds has the user ci, who may read one app and one device_group, and gives ci's token.
func builds(t *testing.T, server *apitest.Server) (token string) {
	t.Helper()
	if r := muster(t, "create", "user", "ci"); r.code != 0 || r.stdout != "" || r.stderr != "muster: user \"ci\" created\n" {
		t.Fatalf("%+v", r)
	}
	err := server.Store.UserGroups().Create(t.Context(), store.UserGroup{
		UserGroup: "builds", GroupMembers: []string{"ci", "gone"},
		Apps: map[string]store.Right{"web": "ro"}, DeviceGroups: map[string]store.Right{"shops": "rw"},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := muster(t, "refresh", "user", "ci")
	if r.code != 0 || r.stderr != "muster: user \"ci\" has a new token; the one before is void\n" || strings.Count(r.stdout, "\n") != 1 {
		t.Fatalf("%+v", r)
	}
	return strings.TrimSpace(r.stdout)
}

func TestUsers(t *testing.T) {
	server := shops(t)
	token := builds(t, server)
	hash, err := server.Store.Users().Get(t.Context(), "ci")
	if err != nil {
		t.Fatal(err)
	}
	muster(t, "get", "users").want(t, 0, "NAME  USER_GROUPS\nci    builds\n", "")
	muster(t, "get", "user-groups").want(t, 0, ""+
		"NAME    MEMBERS  ADMIN  PRUNING  APPS    DEVICE_GROUPS  CRON_JOBS\n"+
		"builds  ci,gone  no     no       web:ro  shops:rw       -\n", "")
	muster(t, "describe", "user", "ci").want(t, 0, "user_name: ci\nuser_groups:\n  - builds\n", "")
	for _, args := range []string{"get users -o json", "get user ci -o yaml", "describe user ci -o json", "get audit -o json"} {
		r := muster(t, strings.Fields(args)...)
		for _, secret := range []string{token, hash.Token, hash.Password} {
			if strings.Contains(r.stdout+r.stderr, secret) {
				t.Errorf("%s shows a secret: %+v", args, r)
			}
		}
		if r.code != 0 || !strings.Contains(r.stdout, "ci") {
			t.Errorf("%s: %+v", args, r)
		}
	}
	muster(t, "refresh", "user", "none").want(t, 1, "", "muster: user \"none\" does not exist\n")
	muster(t, "create", "user", "ci").want(t, 1, "", "muster: user \"ci\" exists already\n")
	muster(t, "delete", "user", "ci").want(t, 0, "user \"ci\" deleted\n", "")
	muster(t, "delete", "user_groups", "builds", "builds").want(t, 1, "user_group \"builds\" deleted\n", "muster: user_group \"builds\" does not exist\n")
}

// Passwords that are made or given let their user in.
func TestPasswords(t *testing.T) {
	manager(t)
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("correct horse battery\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := muster(t, "create", "user", "ann", "--new-password-file", file); r.code != 0 || r.stdout != "" {
		t.Fatalf("%+v", r)
	}
	made := muster(t, "create", "user", "bob", "--generate")
	if made.code != 0 || len(strings.TrimSpace(made.stdout)) < 20 {
		t.Fatalf("%+v", made)
	}
	t.Setenv("MUSTER_TOKEN", "")
	if r := muster(t, "status", "--user", "ann", "--password-file", file); r.code != 0 {
		t.Errorf("ann: %+v", r)
	}
	if r := muster(t, "status", "--user", "bob", "--password-file", file); r.code != 1 {
		t.Errorf("bob with ann's password: %+v", r)
	}
	if err := os.WriteFile(file, []byte(made.stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := muster(t, "status", "--user", "bob", "--password-file", file); r.code != 0 {
		t.Errorf("bob: %+v", r)
	}
}

// Who may not see all sees the rest, and that there is more.
func TestRightsOfTheCaller(t *testing.T) {
	server := shops(t)
	t.Setenv("MUSTER_TOKEN", builds(t, server))
	muster(t, "get", "apps").want(t, 0, ""+
		"NAME  IMAGE    RUNNING  CONTAINERS    PORTS            APP_ID\n"+
		"web   nginx:1  yes      1 per server  8080:80,443:443  1\n",
		"muster: 1 of 2 apps are not yours to read\n")
	if r := muster(t, "get", "apps", "-o", "json"); r.code != 0 || strings.Contains(r.stdout, "batch") || !strings.HasPrefix(r.stdout, "[") {
		t.Errorf("%+v", r)
	}
	muster(t, "get", "apps", "batch").want(t, 1, "", "muster: not allowed: get app \"batch\"\n")
	muster(t, "restart", "app", "web", "batch").want(t, 1, "", "muster: not allowed: restart app \"web\"; not allowed: restart app \"batch\"\n")
	muster(t, "prune", "--all").want(t, 1, "", "muster: not allowed: prune all device_groups\n")
	if r := muster(t, "describe", "app", "web"); r.code != 0 || !strings.HasSuffix(r.stdout, "device_groups:\n  - shops\n") {
		t.Errorf("%+v", r)
	}
	muster(t, "get", "users").want(t, 0, "NAME  USER_GROUPS\n", "muster: 1 of 1 users are not yours to read\n")
}
