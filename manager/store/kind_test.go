package store

import (
	"bytes"
	"reflect"
	"testing"

	"muster/topics"
)

// TestKindsLeaveNoNil reads documents with next to nothing in them, as another program may have left them, and
// writes some: no list or dict is nil or null, but for env_vars, where nil is a list.
func TestKindsLeaveNoNil(t *testing.T) {
	env := topics.EnvVars{}
	leaveNoNil(t, AppKind(), `{"app_name":"a","networks":null}`, topics.App{AppName: "a", EnvVars: env,
		ContainersPer: topics.ContainersPer{Unit: topics.PerServer, Count: 1}})
	leaveNoNil(t, CronJobKind(), `{"cron_job_name":"a","volumes":null}`, topics.CronJob{CronJobName: "a", EnvVars: env})
	leaveNoNil(t, DeviceGroupKind(), `{"device_group":"a","apps":null}`, DeviceGroup{DeviceGroup: "a"})
	leaveNoNil(t, UserKind(), `{"user_name":"a"}`, User{UserName: "a"})
	leaveNoNil(t, UserGroupKind(), `{"user_group":"a","apps":null}`, UserGroup{UserGroup: "a"})
}

func leaveNoNil[T any](t *testing.T, k Kind[T], sparse string, bare T) {
	t.Helper()
	read, err := k.Decode([]byte(sparse))
	if err != nil || k.Name(read) != "a" {
		t.Errorf("%s: %+v, %v", k.Singular, read, err)
	}
	data, written, err := k.Encode(bare)
	if err != nil || bytes.Contains(data, []byte("null")) {
		t.Errorf("%s: wrote %s, %v", k.Singular, data, err)
	}
	for what, doc := range map[string]T{"read": read, "written": written} {
		fields := reflect.ValueOf(doc)
		for i := range fields.NumField() {
			f := fields.Field(i)
			if _, ok := reflect.TypeAssert[topics.EnvVars](f); ok {
				continue
			}
			if (f.Kind() == reflect.Slice || f.Kind() == reflect.Map) && f.IsNil() {
				t.Errorf("%s: %s is nil when it is %s", k.Singular, fields.Type().Field(i).Name, what)
			}
		}
	}
}
