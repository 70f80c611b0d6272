package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	made "muster/topics/token"
)

func TestDevicesAreGivenSecrets(t *testing.T) {
	onEveryStore(t, func(t *testing.T, open opener) {
		m := open.manager(t)
		m.fill()
		for body, want := range map[string]string{
			``:                          `{"device_group": "must be given for a device that has no identity"}`,
			`{"device_group": ""}`:      `{"device_group": "must have 1 to 64 characters, has 0"}`,
			`{"device_group": "a b"}`:   `{"device_group": "may only contain letters, digits, '_' and '-'"}`,
			`{"replace_key": 1}`:        `{"replace_key": "must be true or false, not a number"}`,
			`{"secret": "one I chose"}`: `{"secret": "unknown field"}`,
		} {
			wantJSON(t, m.do("POST", "/devices/meter/secret", body), 400, want)
		}
		wantJSON(t, m.do("POST", "/devices/a%20b/secret", `{"device_group": "fleet"}`), 400, `{"invalid_name": "may only contain letters, digits, '_' and '-'"}`)
		wantJSON(t, m.do("POST", "/devices/meter/secret", `{"device_group": "none"}`), 403, `{"device_group_exists": false}`)

		var answer struct{ Device, Secret string }
		w := m.do("POST", "/devices/meter/secret", `{"device_group": "fleet"}`)
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 || answer.Device != "meter" || len(answer.Secret) < 26 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		i, err := m.store.Identities().Get(t.Context(), "meter")
		if err != nil || !made.Matches(i.SecretHash, answer.Secret) || i.DeviceGroup != "fleet" || i.By != "root" {
			t.Errorf("%+v, %v", i, err)
		}
		detail := m.do("GET", "/devices/meter", "").Body.String()
		if !strings.Contains(detail, `"kind":"secret"`) || !strings.Contains(detail, `"state":"active"`) {
			t.Errorf("the device is %s", detail)
		}
		hash, err := json.Marshal(i.SecretHash)
		if err != nil {
			t.Fatal(err)
		}
		trail := m.do("GET", "/audit?kind=device", "").Body.String()
		if !strings.Contains(trail, `"action":"secret"`) || !strings.Contains(trail, `"before":null`) {
			t.Errorf("the trail is %s", trail)
		}
		for where, text := range map[string]string{"the device": detail, "the trail": trail, "the log": m.log.String()} {
			for _, told := range []string{answer.Secret, strings.Trim(string(hash), `"`)} {
				if strings.Contains(text, told) {
					t.Errorf("%s tells %s", where, told)
				}
			}
		}
		m.asks("d1", m.enrollToken(""))
		wantJSON(t, m.do("POST", "/devices/d1/secret", ""), 409, `{"error": "the device has a key, which a secret in its place would shut out: replace_key must be true for that"}`)
		if w := m.do("POST", "/devices/d1/secret", `{"replace_key": true}`); w.Code != 200 || !strings.Contains(w.Body.String(), `"device_group":"fleet"`) {
			t.Errorf("in the place of a key: %d %s", w.Code, w.Body)
		}
		if w := m.do("POST", "/devices/d1/revoke", ""); w.Code != 200 {
			t.Errorf("revoked: %d %s", w.Code, w.Body)
		}
		wantJSON(t, m.do("POST", "/devices/d1/secret", `{"replace_key": true}`), 403, `{"identity_revoked": true}`)
	})
}
