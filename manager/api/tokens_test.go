package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"muster/manager/api"
	"muster/manager/store"
	form "muster/topics/token"
)

// told is the answer to the creation of a token.
type told struct {
	ID, Token, Name, Kind, By string
	Created                   time.Time
	Expires                   *time.Time
}

// newToken makes a token by a request, of which the answer must have the other fields as well.
func (m *manager) newToken(t *testing.T, body, want string) (told, form.Token) {
	t.Helper()
	w := m.do("POST", "/tokens", body)
	var got told
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
		t.Fatalf("%s: %d %s", body, w.Code, w.Body)
	}
	shown, err := form.Parse(got.Token)
	if err != nil || shown.ID != got.ID || got.By != user || time.Since(got.Created) > time.Minute {
		t.Errorf("%s: %+v, %v", body, got, err)
	}
	var all map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	for _, own := range []string{"id", "token", "created", "by", "expires"} {
		delete(all, own)
	}
	rest, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := decode(t, string(rest)), decode(t, want); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", body, got, want)
	}
	return got, shown
}

// A token is told once, works at once, is shown without its secret, and lets nobody in once it is deleted.
func TestTokens(t *testing.T) { onEveryStore(t, testTokens) }

func testTokens(t *testing.T, open opener) {
	m := open.manager(t)
	m.fill()
	if err := m.store.UserGroups().Create(t.Context(), store.UserGroup{UserGroup: "deployers", Apps: map[string]store.Right{"web": store.ReadWrite}}); err != nil {
		t.Fatal(err)
	}
	ci, shown := m.newToken(t, `{"kind": "api", "name": "ci", "user_groups": ["deployers"], "ttl_seconds": 60, "mqtt_role": "viewer"}`,
		`{"kind": "api", "name": "ci", "admin": false, "user_groups": ["deployers"], "mqtt_role": "viewer", "broker_auth": false}`)
	if ci.Expires == nil || ci.Expires.Sub(ci.Created) != time.Minute {
		t.Errorf("it ends at %v, made at %v", ci.Expires, ci.Created)
	}
	root, _ := m.newToken(t, `{"kind": "api", "name": "root", "admin": true, "broker_auth": true}`,
		`{"kind": "api", "name": "root", "admin": true, "user_groups": [], "mqtt_role": "", "broker_auth": true}`)
	if root.Expires != nil {
		t.Errorf("it ends at %v", root.Expires)
	}
	enroll, _ := m.newToken(t, `{"kind": "enroll", "device_group": "fleet", "uses": 20, "approve": true}`,
		`{"kind": "enroll", "name": "", "device_group": "fleet", "device": "", "uses": 20, "used": 0, "approve": true}`)
	if enroll.Expires == nil || enroll.Expires.Sub(enroll.Created) != 24*time.Hour {
		t.Errorf("it ends at %v, made at %v", enroll.Expires, enroll.Created)
	}

	m.wantLogin(t, 401, enroll.Token)
	as := m.as(ci.Token)
	for path, want := range map[string]int{"/apps/web": 200, "/apps/idle": 403, "/tokens": 403, "/tokens/" + ci.ID: 403} {
		if w := as("GET", path, ""); w.Code != want {
			t.Errorf("ci reads %s: %d", path, w.Code)
		}
	}
	if w := m.as(root.Token)("POST", "/apps/web/stop", ""); w.Code != 202 {
		t.Errorf("root stops an app: %d %s", w.Code, w.Body)
	}
	if by := m.changedBy(); by[len(by)-1] != "token:root" {
		t.Errorf("the change was by %q", by)
	}

	// What is told of them later has no secret, and is in the order in which they were made.
	var list struct{ Tokens []map[string]any }
	if err := json.Unmarshal(m.do("GET", "/tokens", "").Body.Bytes(), &list); err != nil || len(list.Tokens) != 4 {
		t.Fatalf("%v, %v", list, err)
	}
	for i, made := range []told{{ID: oldToken}, ci, root, enroll} {
		one := m.do("GET", "/tokens/"+made.ID, "")
		if list.Tokens[i]["id"] != made.ID || one.Code != 200 || fmt.Sprint(decode(t, one.Body.String())) != fmt.Sprint(list.Tokens[i]) || list.Tokens[i]["token"] != nil {
			t.Errorf("%d is %v, alone %s", i, list.Tokens[i], one.Body)
		}
	}
	if w := m.do("GET", "/tokens?kind=enroll", ""); strings.Contains(w.Body.String(), root.ID) || !strings.Contains(w.Body.String(), enroll.ID) {
		t.Errorf("those of a kind are %s", w.Body)
	}
	kept, err := m.store.Tokens().Get(t.Context(), ci.ID)
	if err != nil || !form.Matches(kept.Hash, shown.Secret()) {
		t.Errorf("kept is %+v, %v", kept, err)
	}

	wantJSON(t, m.do("DELETE", "/tokens/"+ci.ID, ""), 200, `{}`)
	wantJSON(t, m.do("DELETE", "/tokens/"+ci.ID, ""), 403, `{"token_exists": false}`)
	wantJSON(t, m.do("GET", "/tokens/"+ci.ID, ""), 403, `{"token_exists": false}`)
	m.wantLogin(t, 401, ci.Token)
	m.wantLogin(t, 200, root.Token)

	audit := m.do("GET", "/audit?kind=token", "").Body.String()
	for _, made := range []told{ci, root, enroll} {
		_, secret, _ := strings.Cut(made.Token, ".")
		for what, where := range map[string]string{"audit trail": audit, "log": m.log.String(), "list": fmt.Sprint(list)} {
			if strings.Contains(where, secret) {
				t.Errorf("the secret of %s is in the %s", made.ID, what)
			}
		}
		if !strings.Contains(audit, `"create","kind":"token","name":"`+made.ID) {
			t.Errorf("no creation of %s in the audit trail: %s", made.ID, audit)
		}
	}
	if !strings.Contains(audit, `"delete","kind":"token","name":"`+ci.ID) || !strings.Contains(audit, `"hash":"(hidden)"`) {
		t.Errorf("the audit trail is %s", audit)
	}
}

// The token for devices has the pin that they know their managers by; one for programs has no use for it.
func TestTokensWithAPin(t *testing.T) {
	pin := form.PinOf([]byte("the authority's key"))
	m := newManagerWith(t, openStore(t), func(o *api.Options) { o.Pin = func() form.Pin { return pin } })
	m.fill()
	enroll, shown := m.newToken(t,

		`{"kind": "enroll", "device_group": "fleet", "device": "till-9", "ttl_seconds": 1}`,
		`{"kind": "enroll", "name": "", "device_group": "fleet", "device": "till-9", "uses": 1, "used": 0, "approve": false}`)
	if shown.Pin != pin || !strings.HasSuffix(enroll.Token, "."+pin.String()) {
		t.Errorf("%s has another pin", enroll.Token)
	}
	if _, shown := m.newToken(t, `{"kind": "api", "name": "x", "admin": true}`,
		`{"kind": "api", "name": "x", "admin": true, "user_groups": [], "mqtt_role": "", "broker_auth": false}`); shown.Pin != (form.Pin{}) {
		t.Error("a token for programs has a pin")
	}
}

func TestTokensThatCannotBe(t *testing.T) { onEveryStore(t, testTokensThatCannotBe) }

func testTokensThatCannotBe(t *testing.T, open opener) {
	m := open.manager(t)
	m.fill()
	m.newToken(t, `{"kind": "api", "name": "taken", "admin": true}`,
		`{"kind": "api", "name": "taken", "admin": true, "user_groups": [], "mqtt_role": "", "broker_auth": false}`)
	enroll := func(fields string) string { return `{"kind": "enroll", "device_group": "fleet", ` + fields + `}` }
	program := func(fields string) string { return `{"kind": "api", "name": "new", ` + fields + `}` }
	for body, want := range map[string]string{
		``:                   `{"missing_parameters": true}`,
		`{}`:                 `{"missing_parameters": ["kind"]}`,
		`{"kind": "api"}`:    `{"missing_parameters": ["name"]}`,
		`{"kind": "enroll"}`: `{"missing_parameters": ["device_group"]}`,
		`{"kind": "user"}`:   `{"kind": "must be \"api\" or \"enroll\", is \"user\""}`,
		`{"kind": 1}`:        `{"kind": "must be a string, not a number"}`,

		`{"kind": "enroll", "device_group": "none"}`:  `{"device_group_exists": false}`,
		`{"kind": "enroll", "device_group": "a/b"}`:   `{"device_group": "may only contain letters, digits, '_' and '-'"}`,
		enroll(`"admin": true`):                       `{"admin": "unknown field"}`,
		enroll(`"token": "x"`):                        `{"token": "unknown field"}`,
		enroll(`"id": "AAAAAAAAAA"`):                  `{"id": "unknown field"}`,
		enroll(`"uses": 0`):                           `{"uses": "must be a whole number from 1 to 1000000, is 0"}`,
		enroll(`"uses": 1000001`):                     `{"uses": "must be a whole number from 1 to 1000000, is 1000001"}`,
		enroll(`"uses": 1.5`):                         `{"uses": "must be a whole number, is 1.5"}`,
		enroll(`"uses": 2, "device": "till"`):         `{"uses": "must be 1 for a token that is for one device, is 2"}`,
		enroll(`"device": "+"`):                       `{"device": "may only contain letters, digits, '_' and '-'"}`,
		enroll(`"ttl_seconds": 0`):                    `{"ttl_seconds": "must be a whole number from 1 to 31622400, is 0"}`,
		enroll(`"ttl_seconds": -9223372036854775808`): `{"ttl_seconds": "must be a whole number from 1 to 31622400, is -9223372036854775808"}`,
		enroll(`"ttl_seconds": 1e30`):                 `{"ttl_seconds": "must be a whole number, is 1e30"}`,
		enroll(`"ttl_seconds": null`):                 `{"ttl_seconds": "must be a whole number, not null"}`,
		enroll(`"approve": "yes"`):                    `{"approve": "must be true or false, not a string"}`,
		enroll(`"name": ""`):                          `{"name": "must have 1 to 128 characters, has 0"}`,

		`{"kind": "api", "name": "taken", "admin": true}`:      `{"token_exists": true}`,
		`{"kind": "api", "name": "a:b", "admin": true}`:        `{"name": "may only contain letters, digits, '_', '-', '.', '@' and '+'"}`,
		`{"kind": "api", "name": "ABCDEFGHIJ", "admin": true}`: `{"name": "must not look like the ID of a token"}`,
		program(`"uses": 1, "admin": true`):                    `{"uses": "unknown field"}`,
		program(`"ttl_seconds": 316224001, "admin": true`):     `{"ttl_seconds": "must be a whole number from 1 to 316224000, is 316224001"}`,
		program(`"user_groups": ["none"]`):                     `{"user_group_exists": false}`,
		program(`"user_groups": ["a", "a"]`):                   `{"user_groups": "\"a\" is listed twice"}`,
		program(`"user_groups": ["a"], "admin": true`):         `{"user_groups": "must be left out for an admin, who may do everything"}`,
		program(`"admin": false`):                              `{"user_groups": "must be given, or admin, mqtt_role or broker_auth: the token would be good for nothing"}`,
		program(`"mqtt_role": "device"`):                       `{"mqtt_role": "must be one of [\"viewer\" \"bridge\" \"manager\"], is \"device\""}`,
		program(`"mqtt_role": ""`):                             `{"mqtt_role": "must be one of [\"viewer\" \"bridge\" \"manager\"], is \"\""}`,
		program(`"broker_auth": 1`):                            `{"broker_auth": "must be true or false, not a number"}`,
	} {
		status := 400
		if strings.Contains(want, "_exists") {
			status = 403
		}
		wantJSON(t, m.do("POST", "/tokens", body), status, want)
	}
	all, err := m.store.Tokens().All(t.Context())
	if err != nil || len(all) != 2 {
		t.Errorf("there are %d tokens, %v", len(all), err)
	}
	for path, want := range map[string]string{
		"/tokens/taken":      `{"invalid_name": "must be the ID of a token, which is 10 capital letters or digits from 2 to 7"}`,
		"/tokens/..%2fusers": `{"invalid_name": "must be the ID of a token, which is 10 capital letters or digits from 2 to 7"}`,
		"/tokens?kind=user":  `{"kind": "must be one of [\"api\" \"enroll\"], is \"user\""}`,
		"/tokens?name=x":     `{"name": "unknown parameter"}`,
	} {
		wantJSON(t, m.do("GET", path, ""), 400, want)
	}
}
