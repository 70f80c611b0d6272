package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"muster/manager/store"
)

// No secret that the API is given, and no hash of one, comes out of the audit trail or the log, or lies in the part
// of the store where the trail is kept.
func TestSecretsStayOutOfTheAuditTrail(t *testing.T) {
	onEveryStore(t, func(t *testing.T, open opener) {
		m := open.manager(t)
		m.fill()
		made := 0
		for i, r := range [][3]string{
			{"POST", "/apps/a", `{"docker_image": "img", "env_vars": {"KEY": "canary-1"}}`},
			{"PUT", "/apps/a/update", `{"env_vars": {"KEY": "canary-2", "KEY2": "canary-3"}}`},
			{"POST", "/apps/a/update", `{"docker_image": "img", "env_vars": {"KEY": "canary-4"}}`},
			{"POST", "/apps/a/restart", ``},
			{"POST", "/apps/a/update", `{"docker_image": "img", "env_vars": {"KEY": ["canary-5"]}}`},
			{"POST", "/apps/a/update", `{"docker_image": "img", "env_vars": {"=": "canary-6"}}`},
			{"DELETE", "/apps/a", ``},
			{"POST", "/cron_jobs/c", `{"docker_image": "img", "schedule": "0 4 * * *", "env_vars": {"KEY": "canary-7"}}`},
			{"PUT", "/cron_jobs/c/update", `{"env_vars": {"KEY": "canary-8"}}`},
			{"DELETE", "/cron_jobs/c", ``},
			{"POST", "/users/u", `{"password": "canary-9", "token": "canary-10"}`},
			{"PUT", "/users/u/update", `{"password": "canary-11", "token": "ABCDEFGHIJKL.canary-12"}`},
			{"POST", "/users/u/refresh", ``},
			{"PUT", "/users/u/update", `{"password": ["canary-13"]}`},
			{"DELETE", "/users/u", ``},
		} {
			switch w := m.do(r[0], r[1], r[2]); {
			case w.Code < 300:
				made++
			case w.Code != 400:
				t.Errorf("%d: %d %s", i, w.Code, w.Body)
			}
		}
		kept, err := m.store.Audit().Page(t.Context(), store.AuditQuery{}, 100)
		if err != nil || len(kept) != made || made != 12 {
			t.Fatalf("%d entries for %d changes, %v", len(kept), made, err)
		}
		all, err := json.Marshal(kept)
		if err != nil {
			t.Fatal(err)
		}
		for where, text := range map[string]string{
			"the answer": m.do("GET", "/audit", "").Body.String(), "the store": string(all), "the log": m.log.String(),
		} {
			for _, secret := range []string{"canary", "$2a$", "$2b$", "ABCDEFGHIJKL", "token_selector"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s has %q: %s", where, secret, text)
				}
			}
			for _, told := range []string{"env_vars.KEY2", "refresh", "(hidden)"} {
				if !strings.Contains(text, told) {
					t.Errorf("%s does not have %q: %s", where, told, text)
				}
			}
		}
	})
}
