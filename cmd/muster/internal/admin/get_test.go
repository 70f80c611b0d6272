package admin_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

func TestTables(t *testing.T) {
	shops(t)
	digest := strings.Repeat("a", 64)
	pad := strings.Repeat(" ", len("registry.example:5000/batch@sha256:")+64-len("image"))
	muster(t, "get", "apps").want(t, 0, ""+
		"NAME   IMAGE"+pad+"  RUNNING  CONTAINERS    PORTS            APP_ID\n"+
		"batch  registry.example:5000/batch@sha256:"+digest+"  no       1 per 512 MB  -                7\n"+
		"web    nginx:1"+pad[2:]+"  yes      1 per server  8080:80,443:443  1\n", "")
	muster(t, "get", "device_groups").want(t, 0, ""+
		"NAME   APPS       CRON_JOBS  DEVICE_GROUP_ID  PRUNE_ID\n"+
		"lab    -          -          1                1\n"+
		"shops  web,batch  nightly    3                1\n", "")
	muster(t, "get", "app", "web").want(t, 0, ""+
		"NAME  IMAGE    RUNNING  CONTAINERS    PORTS            APP_ID\n"+
		"web   nginx:1  yes      1 per server  8080:80,443:443  1\n", "")
}

func TestAnEmptyTable(t *testing.T) {
	manager(t)
	muster(t, "get", "apps").want(t, 0, "NAME  IMAGE  RUNNING  CONTAINERS  PORTS  APP_ID\n", "")
	muster(t, "get", "apps", "-o", "json").want(t, 0, "[]\n", "")
	muster(t, "get", "apps", "-o", "yaml").want(t, 0, "[]\n", "")
}

// What scripts read is what the API says, in both formats.
func TestFormatsForScripts(t *testing.T) {
	shops(t)
	web := map[string]any{
		"app_id": 1.0, "app_name": "web", "docker_image": "nginx:1", "starting_ports": []any{map[string]any{"8080": "80"}, 443.0},
		"containers_per": map[string]any{"server": 1.0}, "env_vars": map[string]any{"DEBUG": "yes", "QUERY": "a=1&b=<2>"},
		"running": true, "networks": []any{"nebula", "bridge"}, "volumes": []any{}, "devices": []any{},
		"privileged": false, "rolling_restart": false,
	}
	lab := map[string]any{"device_group": "lab", "device_group_id": 1.0, "prune_id": 1.0, "apps": []any{}, "cron_jobs": []any{}}
	for _, tc := range []struct {
		args []string
		want any
	}{
		{[]string{"get", "app", "web"}, web},
		{[]string{"get", "apps", "web", "web"}, []any{web, web}},
		{[]string{"get", "device_groups", "lab"}, lab},
		{[]string{"status"}, map[string]any{"url": "URL", "api_available": true}},
	} {
		for format, decode := range map[string]func([]byte, any) error{"json": json.Unmarshal, "yaml": yaml.Unmarshal} {
			r := muster(t, append(tc.args, "-o", format)...)
			var got any
			if err := decode([]byte(r.stdout), &got); err != nil || r.code != 0 || r.stderr != "" {
				t.Errorf("%v as %s: %v, %+v", tc.args, format, err, r)
			}
			if got := hideURL(floats(got)); !cmp.Equal(got, tc.want) {
				t.Errorf("%v as %s (-want +got):\n%s", tc.args, format, cmp.Diff(tc.want, got))
			}
		}
	}
	if r := muster(t, "get", "app", "web", "--output=yaml"); !strings.HasPrefix(r.stdout, "app_id: 1\napp_name: web\ndocker_image: nginx:1\n") {
		t.Errorf("the keys are not in the order of the API:\n%s", r.stdout)
	}
}

// floats has YAML's whole numbers be what JSON makes of them.
func floats(v any) any {
	switch v := v.(type) {
	case int:
		return float64(v)
	case []any:
		for i := range v {
			v[i] = floats(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = floats(v[key])
		}
	}
	return v
}

func hideURL(v any) any {
	if m, ok := v.(map[string]any); ok && m["url"] != nil {
		m["url"] = "URL"
	}
	return v
}

func TestGetFails(t *testing.T) {
	shops(t)
	muster(t, "get", "app", "none").want(t, 1, "", "muster: app \"none\" does not exist\n")
	muster(t, "get", "device_groups", "none", "lab", "neither").want(t, 1, ""+
		"NAME  APPS  CRON_JOBS  DEVICE_GROUP_ID  PRUNE_ID\n"+
		"lab   -     -          1                1\n",
		"muster: device_group \"none\" does not exist; device_group \"neither\" does not exist\n")
}

func TestDescribe(t *testing.T) {
	shops(t)
	muster(t, "describe", "device_group", "lab").want(t, 0, "device_group: lab\ndevice_group_id: 1\nprune_id: 1\napps: []\ncron_jobs: []\nlatest_config: null\n", "")
	if r := muster(t, "describe", "app", "web"); r.code != 0 || !strings.HasSuffix(r.stdout, "rolling_restart: false\ndevice_groups:\n  - shops\n") {
		t.Errorf("%+v", r)
	}
	if r := muster(t, "describe", "app", "web", "-o", "json"); !json.Valid([]byte(r.stdout)) || !strings.Contains(r.stdout, `"device_groups": [`) {
		t.Errorf("%+v", r)
	}
	muster(t, "describe", "app", "none").want(t, 1, "", "muster: app \"none\" does not exist\n")
}
