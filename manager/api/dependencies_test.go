package api_test

import "testing"

func TestDependencies(t *testing.T) {
	onEveryStore(t, func(t *testing.T, open opener) {
		m := open.manager(t)
		m.fill() // the device_group fleet lists web
		for _, step := range []struct {
			method, path, body string
			status             int
			refused            string
		}{
			{"POST", "/apps/a", `{"docker_image": "i", "depends_on": ["none"]}`, 400, `{"depends_on": "there is no app \"none\""}`},
			{"POST", "/apps/a", `{"docker_image": "i"}`, 200, ""},
			{"POST", "/apps/b", `{"docker_image": "i", "depends_on": ["a"]}`, 200, ""},
			{"POST", "/apps/c", `{"docker_image": "i", "depends_on": ["web", "b"]}`, 200, ""},
			{"PUT", "/apps/a/update", `{"depends_on": ["c"]}`, 400, `{"depends_on": "would go round in a circle: a → c → b → a"}`},
			{"PUT", "/apps/a/update", `{"depends_on": ["b"]}`, 400, `{"depends_on": "would go round in a circle: a → b → a"}`},

			// A device_group lists what its apps depend on.
			{"PUT", "/device_groups/fleet/update", `{"apps": ["web", "b"]}`, 400,
				`{"depends_on": "the app \"b\" depends on \"a\", which device_group \"fleet\" would not list"}`},
			{"POST", "/device_groups/new", `{"apps": ["b"]}`, 400,
				`{"depends_on": "the app \"b\" depends on \"a\", which device_group \"new\" would not list"}`},
			{"PUT", "/device_groups/fleet/update", `{"apps": ["b", "web", "a"]}`, 202, ""},
			{"PUT", "/device_groups/fleet/update", `{"apps": ["b", "web"]}`, 400,
				`{"depends_on": "the app \"b\" depends on \"a\", which device_group \"fleet\" would not list"}`},

			// An app may depend on one that its device_groups are about to list; what is missing then, or deleted, hinders nothing.
			{"PUT", "/apps/b/update", `{"depends_on": ["a", "idle"]}`, 202, ""},
			{"PUT", "/device_groups/fleet/update", `{"apps": ["web", "b", "a"]}`, 202, ""},
			{"DELETE", "/apps/idle", ``, 200, ""},
			{"PUT", "/apps/b/update", `{"docker_image": "j"}`, 202, ""},
			{"PUT", "/apps/b/update", `{"depends_on": ["idle", "gone"]}`, 400, `{"depends_on": "there is no app \"gone\""}`},
		} {
			w := m.do(step.method, step.path, step.body)
			if step.refused != "" {
				wantJSON(t, w, step.status, step.refused)
			} else if w.Code != step.status {
				t.Errorf("%s %s %s: %d %s, want %d", step.method, step.path, step.body, w.Code, w.Body, step.status)
			}
		}
	})
}
