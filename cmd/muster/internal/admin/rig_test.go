package admin_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"muster/cmd/internal/program"
	"muster/cmd/muster/internal/admin"
	"muster/manager/api/apitest"
	"muster/manager/store"
	"muster/topics"
)

// A result is what somebody sees of a command.
type result struct {
	code           int
	stdout, stderr string
}

// muster runs a command as the program does.
func muster(t *testing.T, args ...string) result {
	t.Helper()
	return musterReads(t, "", args...)
}

// musterReads is muster with something on stdin.
func musterReads(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	root := &cobra.Command{Use: "muster"}
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	admin.AddTo(root)
	code := program.Run(root, args, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// want checks all that somebody sees.
func (r result) want(t *testing.T, code int, stdout, stderr string) {
	t.Helper()
	if r.code != code || r.stdout != stdout || r.stderr != stderr {
		t.Errorf("exit code %d, want %d\nstdout:\n%s\nwant:\n%s\nstderr:\n%s\nwant:\n%s", r.code, code, r.stdout, stdout, r.stderr, stderr)
	}
}

// manager starts one that the commands find by the environment, in a home without a config file.
func manager(t *testing.T) *apitest.Server {
	t.Helper()
	server := apitest.Start(t)
	nobody(t)
	t.Setenv("MUSTER_URL", server.URL)
	t.Setenv("MUSTER_TOKEN", apitest.Token)
	return server
}

// nobody has the commands find no settings, and gives the home where they look for a file.
func nobody(t *testing.T) (home string) {
	t.Helper()
	home = t.TempDir()
	t.Setenv("HOME", home)
	for _, name := range []string{"XDG_CONFIG_HOME", "MUSTER_URL", "MUSTER_TOKEN", "MUSTER_USER", "MUSTER_PASSWORD_FILE", "MUSTER_CA_FILE", "MUSTER_TIMEOUT"} {
		t.Setenv(name, "")
	}
	return home
}

// shops is a manager with what most tests start from.
func shops(t *testing.T) *apitest.Server {
	t.Helper()
	server := manager(t)
	ctx := context.Background()
	web, batch := topics.NewApp("web", "nginx:1"), topics.NewApp("batch", "registry.example:5000/batch@sha256:"+strings.Repeat("a", 64))
	web.StartingPorts = topics.Ports{{Host: 8080, Container: 80}, {Host: 443, Container: 443}}
	web.EnvVars = topics.EnvVars{"DEBUG": "yes", "QUERY": "a=1&b=<2>"}
	batch.ContainersPer, batch.Running, batch.AppID = topics.ContainersPer{Unit: topics.PerMemory, Count: 512}, false, 7
	nightly := topics.NewCronJob("nightly", "0 3 * * *", "backup:2")
	for _, err := range []error{
		server.Store.Apps().Create(ctx, web),
		server.Store.Apps().Create(ctx, batch),
		server.Store.CronJobs().Create(ctx, nightly),
		server.Store.DeviceGroups().Create(ctx, store.DeviceGroup{DeviceGroup: "shops", DeviceGroupID: 3, PruneID: 1, Apps: []string{"web", "batch"}, CronJobs: []string{"nightly"}}),
		server.Store.DeviceGroups().Create(ctx, store.DeviceGroup{DeviceGroup: "lab", DeviceGroupID: 1, PruneID: 1}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return server
}
