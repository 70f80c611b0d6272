package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"muster/manager/store"
)

// Answers about users and user_groups.
const (
	userExists       = `{"user_exists": true}`
	noUser           = `{"user_exists": false}`
	noUserToChange   = `{"user_name": false}`
	userGroupExists  = `{"user_group_exists": true}`
	noUserGroup      = `{"user_group_exists": false}`
	emptyGroup       = `{"user_group": "new", "group_members": [], "pruning_allowed": false, "apps": {}, "device_groups": {}, "cron_jobs": {}, "admin": false}`
	fullGroup        = `{"group_members": ["ann", "nobody"], "pruning_allowed": true, "apps": {"web": "rw", "none": "ro"}, "device_groups": {"fleet": "ro"}, "cron_jobs": {"c": "rw"}, "admin": true}`
	opsGroup         = `{"user_group": "ops", "group_members": ["ann"], "pruning_allowed": false, "apps": {"web": "ro"}, "device_groups": {}, "cron_jobs": {}, "admin": false}`
	annPassword      = "ann's pass:word"
	annToken         = "ann-t0ken"
	wantRight        = `must be \"ro\" or \"rw\", is `
	wantRights       = `must be a dict of names and \"ro\" or \"rw\", not `
	wantNameChars    = `{"invalid_name": "may only contain letters, digits, '_', '-', '.', '@' and '+'"}`
	wantSecretLength = `must have 1 to 72 bytes, has `
)

func hash(t testing.TB, secret string) string {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(secret), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(h)
}

// fillUsers puts in the user ann, as Nebula would have made it, and the user_group ops that ann is in.
func (m *manager) fillUsers() store.User {
	m.t.Helper()
	ann := store.User{
		UserName: "ann", Password: strings.Replace(hash(m.t, annPassword), "$2a$", "$2b$", 1),
		Token: strings.Replace(hash(m.t, annToken), "$2a$", "$2b$", 1),
	}
	ops := store.UserGroup{UserGroup: "ops", GroupMembers: []string{"ann"}, Apps: map[string]store.Right{"web": store.ReadOnly}}
	if err := m.store.Users().Create(m.t.Context(), ann); err != nil {
		m.t.Fatal(err)
	}
	if err := m.store.UserGroups().Create(m.t.Context(), ops); err != nil {
		m.t.Fatal(err)
	}
	return ann
}

// TestUserFacts has a row for every answer about user_groups, and for those about users that hold no hash.
func TestUserFacts(t *testing.T) {
	checkFacts(t, []fact{
		{"GET", "/users", "", 200, `{"users": ["ann"]}`},
		{"GET", "/users/none", "", 403, noUser},
		{"POST", "/users/ann", `{}`, 403, userExists},
		{"POST", "/users/ann", ``, 403, userExists},
		{"POST", "/users/ann", `{`, 403, userExists},
		{"POST", "/users/new", ``, 400, nothingGiven},
		{"DELETE", "/users/ann", "", 200, `{}`},
		{"DELETE", "/users/none", "", 403, noUser},
		{"PUT", "/users/none/update", `{"password": "x"}`, 403, noUserToChange},
		{"PATCH", "/users/none/update", ``, 403, noUserToChange},
		{"PUT", "/users/ann/update", ``, 400, nothingGiven},
		{"PATCH", "/users/ann/update", `{}`, 400, nothingGiven},
		{"PUT", "/users/ann/update", `{"user_name": "bob", "_id": 1}`, 400, nothingGiven},
		{"POST", "/users/none/refresh", "", 403, noUserToChange},

		{"GET", "/user_groups", "", 200, `{"user_groups": ["ops"]}`},
		{"GET", "/user_groups/ops", "", 200, opsGroup},
		{"GET", "/user_groups/none", "", 403, noUserGroup},
		{"POST", "/user_groups/new", `{}`, 200, emptyGroup},
		{"POST", "/user_groups/new", fullGroup, 200, merge(emptyGroup, fullGroup)},
		{"POST", "/user_groups/new", merge(opsGroup, `{"_id": {"$oid": "5c"}}`), 200, merge(opsGroup, `{"user_group": "new"}`)},
		{"POST", "/user_groups/new", ``, 400, nothingGiven},
		{"POST", "/user_groups/ops", `{}`, 403, userGroupExists},
		{"POST", "/user_groups/ops", ``, 403, userGroupExists},
		{"PUT", "/user_groups/ops/update", `{"admin": true}`, 200, merge(opsGroup, `{"admin": true}`)},
		{"PATCH", "/user_groups/ops/update", `{"group_members": [], "apps": {}}`, 200, merge(opsGroup, `{"group_members": [], "apps": {}}`)},
		{"PATCH", "/user_groups/ops/update", fullGroup, 200, merge(opsGroup, fullGroup)},
		{"PUT", "/user_groups/ops/update", opsGroup, 200, opsGroup},
		{"PUT", "/user_groups/none/update", `{"admin": true}`, 403, noUserGroup}, // null and 200 with Nebula
		{"PATCH", "/user_groups/none/update", ``, 403, noUserGroup},
		{"PUT", "/user_groups/ops/update", ``, 400, nothingGiven},
		{"PATCH", "/user_groups/ops/update", `{}`, 400, nothingGiven},
		{"PUT", "/user_groups/ops/update", `{"user_group": "ops"}`, 400, nothingGiven},
		{"DELETE", "/user_groups/ops", "", 200, `{}`},
		{"DELETE", "/user_groups/none", "", 403, noUserGroup},

		// What is wrong with a body.
		{"POST", "/users/new", `{"user": "x"}`, 400, `{"user": "unknown field"}`},
		{"POST", "/users/new", `{"token_selector": "x"}`, 400, `{"token_selector": "unknown field"}`},
		{"POST", "/users/new", `{"password": 1}`, 400, `{"password": "must be a string, not a number"}`},
		{"POST", "/users/new", `{"password": null}`, 400, `{"password": "must be a string, not null"}`},
		{"POST", "/users/new", `{"password": ""}`, 400, `{"password": "` + wantSecretLength + `0"}`},
		{"POST", "/users/new", `{"token": ""}`, 400, `{"token": "` + wantSecretLength + `0"}`},
		{"POST", "/users/new", `{"password": "` + strings.Repeat("é", 36) + `x"}`, 400, `{"password": "` + wantSecretLength + `73"}`},
		{"PUT", "/users/ann/update", `{"token": "` + strings.Repeat("x", 73) + `"}`, 400, `{"token": "` + wantSecretLength + `73"}`},
		{"PUT", "/users/ann/update", `{"token": "a b"}`, 400, `{"token": "may only contain visible ASCII characters"}`},
		{"PUT", "/users/ann/update", `{"token": "é"}`, 400, `{"token": "may only contain visible ASCII characters"}`},
		{"PUT", "/users/ann/update", `{"password": "a\nb"}`, 400, `{"password": "must not contain control characters"}`},
		{"PUT", "/users/ann/update", `{"password": "x", "name": "y"}`, 400, `{"name": "unknown field"}`},
		{"POST", "/user_groups/new", `{"group_members": "ann"}`, 400, `{"group_members": "must be a list of strings, not a string"}`},
		{"POST", "/user_groups/new", `{"group_members": ["ann", "ann"]}`, 400, `{"group_members": "\"ann\" is listed twice"}`},
		{"POST", "/user_groups/new", `{"pruning_allowed": "yes"}`, 400, `{"pruning_allowed": "must be true or false, not a string"}`},
		{"POST", "/user_groups/new", `{"admin": 1}`, 400, `{"admin": "must be true or false, not a number"}`},
		{"POST", "/user_groups/new", `{"apps": ["web"]}`, 400, `{"apps": "` + wantRights + `a list"}`},
		{"PUT", "/user_groups/ops/update", `{"device_groups": null}`, 400, `{"device_groups": "` + wantRights + `null"}`},
		{"PUT", "/user_groups/ops/update", `{"cron_jobs": {"a": "rw", "b": "RW"}}`, 400, `{"cron_jobs.b": "` + wantRight + `\"RW\""}`},
		{"PUT", "/user_groups/ops/update", `{"apps": {"web": true}}`, 400, `{"apps.web": "must be a string, not a boolean"}`},
		{"PUT", "/user_groups/ops/update", `{"members": []}`, 400, `{"members": "unknown field"}`},

		// Names.
		{"POST", "/users/root", `{}`, 400, `{"invalid_name": "is the local admin's"}`},
		{"POST", "/users/a:b", `{}`, 400, wantNameChars},
		{"POST", "/users/a%20b", `{}`, 400, wantNameChars},
		{"POST", "/users/-a", `{}`, 400, `{"invalid_name": "must start with a letter or digit"}`},
		{"POST", "/users/" + strings.Repeat("a", 129), `{}`, 400, `{"invalid_name": "must have 1 to 128 characters, has 129"}`},
		{"GET", "/users/a:b", ``, 400, wantNameChars},
		{"POST", "/users/a:b/refresh", ``, 400, wantNameChars},
		{"POST", "/user_groups/a%2Fb", `{}`, 400, wantNameChars},
		{"POST", "/user_groups/a@b.c+d", `{}`, 200, merge(emptyGroup, `{"user_group": "a@b.c+d"}`)},
	})
}

// as makes a request with credentials: a Bearer token, or a user's name and password.
func (m *manager) as(credentials ...string) func(method, path, body string) *httptest.ResponseRecorder {
	return func(method, path, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/api/v2"+path, strings.NewReader(body))
		setCredentials(r, credentials...)
		return m.serve(r)
	}
}

func setCredentials(r *http.Request, credentials ...string) {
	if len(credentials) == 2 {
		r.SetBasicAuth(credentials[0], credentials[1])
		return
	}
	r.Header.Set("Authorization", "Bearer "+credentials[0])
}
