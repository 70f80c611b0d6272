package client_test

import (
	"crypto/x509"
	"errors"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"muster/manager/api/apitest"
	"muster/manager/client"
	"muster/manager/store"
	"muster/topics"
)

func connect(t *testing.T, url string, change func(*client.Options)) *client.Client {
	t.Helper()
	o := client.Options{URL: url, Token: apitest.Token}
	if change != nil {
		change(&o)
	}
	c, err := client.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// equal takes ports as what they publish.
func equal(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(topics.Port{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAppsOfAManager(t *testing.T) {
	ctx := t.Context()
	c := connect(t, apitest.Start(t).URL, nil)
	if names, err := c.Apps().Names(ctx); err != nil || len(names) != 0 {
		t.Errorf("no apps: %v, %v", names, err)
	}
	web := topics.NewApp("web", "nginx:1")
	web.StartingPorts = topics.Ports{{Host: 8080, Container: 80}}
	web.EnvVars["A"] = "1"
	created, err := c.Apps().Create(ctx, "web", web)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, created, web)
	if _, err := c.Apps().Create(ctx, "web", web); !errors.Is(err, client.ErrExists) || err.Error() != `app "web" exists already` {
		t.Errorf("created twice: %v", err)
	}
	updated, err := c.Apps().Update(ctx, "web", map[string]any{"docker_image": "nginx:2"})
	if err != nil {
		t.Fatal(err)
	}
	web.AppID, web.DockerImage = 2, "nginx:2"
	equal(t, updated, web)
	got, err := c.Apps().Get(ctx, "web")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, web)
	for i, tc := range []struct {
		do      func() (topics.App, error)
		running bool
	}{
		{func() (topics.App, error) { return c.RestartApp(ctx, "web") }, true},
		{func() (topics.App, error) { return c.StopApp(ctx, "web") }, false},
		{func() (topics.App, error) { return c.StartApp(ctx, "web") }, true},
	} {
		if app, err := tc.do(); err != nil || app.AppID != int64(3+i) || app.Running != tc.running {
			t.Errorf("action %d: %+v, %v", i, app, err)
		}
	}
	if err := c.Apps().Delete(ctx, "web"); err != nil {
		t.Error(err)
	}
	for _, err := range []error{
		c.Apps().Delete(ctx, "web"),
		second(c.Apps().Get(ctx, "web")),
		second(c.Apps().Update(ctx, "web", web)),
		second(c.RestartApp(ctx, "web")),
	} {
		if !errors.Is(err, client.ErrNotFound) || err.Error() != `app "web" does not exist` {
			t.Errorf("after it was deleted: %v", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestRefusalsOfAManager(t *testing.T) {
	ctx := t.Context()
	c := connect(t, apitest.Start(t).URL, nil)
	for _, tc := range []struct {
		err  error
		want string
	}{
		{second(c.Apps().Create(ctx, "x", map[string]any{"docker_image": "UPPER"})), `app "x": docker_image: `},
		{second(c.Apps().Create(ctx, "x", map[string]any{})), `app "x": must be given: docker_image`},
		{second(c.Apps().Create(ctx, "x", map[string]any{"docker_image": "i", "starting_ports": []int{0}})), `app "x": starting_ports: invalid port`},
		{second(c.Apps().Create(ctx, "x y", topics.NewApp("x y", "i"))), `app "x y": invalid name: `},
		{second(c.DeviceGroups().Create(ctx, "g", store.DeviceGroup{Apps: []string{"none"}, CronJobs: []string{}})), `device_group "g": one of its apps does not exist`},
		{second(c.DeviceGroups().Get(ctx, "g")), `device_group "g" does not exist`},
	} {
		if tc.err == nil || !strings.HasPrefix(tc.err.Error(), tc.want) {
			t.Errorf("%v, want %q", tc.err, tc.want)
		}
	}
}

func TestCredentials(t *testing.T) {
	server := apitest.Start(t)
	for name, tc := range map[string]struct {
		change func(*client.Options)
		denied bool
	}{
		"token":       {nil, false},
		"wrong token": {func(o *client.Options) { o.Token = "x" }, true},
		"Basic":       {func(o *client.Options) { o.Token, o.User, o.Password = "", apitest.User, apitest.Password }, false},
		"wrong Basic": {func(o *client.Options) { o.Token, o.User, o.Password = "", apitest.User, "x" }, true},
		"none":        {func(o *client.Options) { o.Token = "" }, true},
	} {
		if err := connect(t, server.URL, tc.change).Status(t.Context()); errors.Is(err, client.ErrDenied) != tc.denied || err != nil && !tc.denied {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestManyAtATime(t *testing.T) {
	server := apitest.Start(t)
	c := connect(t, server.URL, nil)
	var names []string
	for i := range 3 * client.Parallel {
		name := "app-" + strconv.Itoa(100+i)
		names = append(names, name)
		if i != 7 {
			if err := server.Store.Apps().Create(t.Context(), topics.NewApp(name, "i:"+name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, r := range c.Apps().GetAll(t.Context(), names) {
		if r.Name != names[i] || errors.Is(r.Err, client.ErrNotFound) != (i == 7) || i != 7 && (r.Err != nil || r.Value.DockerImage != "i:"+names[i]) {
			t.Errorf("result %d: %+v", i, r)
		}
	}
}

// Nobody who is not trusted learns the credentials.
func TestCertificates(t *testing.T) {
	plain := apitest.Start(t)
	server := httptest.NewTLSServer(plain.Config.Handler)
	defer server.Close()
	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	if err := connect(t, server.URL, func(o *client.Options) { o.RootCAs = trusted }).Status(t.Context()); err != nil {
		t.Errorf("trusted: %v", err)
	}
	if err := connect(t, server.URL, nil).Status(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("not trusted: %v", err)
	}
}
