package admin_test

import (
	"errors"
	"testing"

	"muster/manager/store"
)

func TestActionsOnApps(t *testing.T) {
	shops(t)
	muster(t, "restart", "app", "web").want(t, 0, "app \"web\" restarted (app_id 2)\n", "")
	muster(t, "stop", "app", "web").want(t, 0, "app \"web\" stopped (app_id 3)\n", "")
	muster(t, "restart", "app", "web").want(t, 1, "", "muster: app \"web\": is not running, so that there is nothing to restart\n")
	muster(t, "start", "apps", "web", "none", "batch").want(t, 1,
		"app \"web\" started (app_id 4)\napp \"batch\" started (app_id 8)\n", "muster: app \"none\" does not exist\n")
}

// All are tried, and what was done is told also when something fails.
func TestDelete(t *testing.T) {
	server := shops(t)
	muster(t, "delete", "app", "none", "web", "neither").want(t, 1,
		"app \"web\" deleted\n", "muster: app \"none\" does not exist; app \"neither\" does not exist\n")
	if _, err := server.Store.Apps().Get(t.Context(), "web"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("web is there: %v", err)
	}
	muster(t, "delete", "device-group", "shops", "lab").want(t, 0, "device_group \"shops\" deleted\ndevice_group \"lab\" deleted\n", "")
	if names, err := server.Store.DeviceGroups().Names(t.Context()); err != nil || len(names) != 0 {
		t.Errorf("there are %v, %v", names, err)
	}
}

// A wrong password is not tried once for every name.
func TestWrongCredentialsEndTheRest(t *testing.T) {
	server := shops(t)
	t.Setenv("MUSTER_TOKEN", "wrong")
	muster(t, "delete", "app", "web", "batch").want(t, 1, "", "muster: credentials are missing or wrong\n")
	muster(t, "get", "apps", "web", "batch").want(t, 1, "", "muster: credentials are missing or wrong\n")
	muster(t, "status").want(t, 1, "", "muster: credentials are missing or wrong\n")
	if names, err := server.Store.Apps().Names(t.Context()); err != nil || len(names) != 2 {
		t.Errorf("there are %v, %v", names, err)
	}
}
