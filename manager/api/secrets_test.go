package api_test

import (
	"encoding/json"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"muster/manager/store"
)

var bcryptHash = regexp.MustCompile(`^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$`)

// userAnswer reads an answer about a user, in which nothing but hashes may be.
func userAnswer(t *testing.T, w *httptest.ResponseRecorder) store.User {
	t.Helper()
	var fields map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &fields); err != nil || w.Code != 200 || len(fields) != 3 {
		t.Fatalf("%d %s, want a user", w.Code, w.Body)
	}
	u := store.User{UserName: fields["user_name"], Password: fields["password"], Token: fields["token"]}
	if !bcryptHash.MatchString(u.Password) || !bcryptHash.MatchString(u.Token) {
		t.Errorf("the password or token of %+v is no bcrypt hash", u)
	}
	return u
}

func (m *manager) wantLogin(t *testing.T, status int, credentials ...string) {
	t.Helper()
	if w := m.as(credentials...)("GET", "/status", ""); w.Code != status {
		t.Errorf("login with %q: status %d, %s, want %d", credentials, w.Code, w.Body, status)
	}
}

// What is given at creation lets the user in; what is not given was made at random and lets nobody in.
func TestCreateUser(t *testing.T) { onEveryStore(t, testCreateUser) }

func testCreateUser(t *testing.T, open opener) {
	long := strings.Repeat("p", 72)
	for name, tc := range map[string]struct {
		body            string
		password, token string
	}{
		"both":    {`{"password": "pa ss", "token": "t0k"}`, "pa ss", "t0k"},
		"neither": {`{}`, "", ""},
		"pass":    {`{"password": "` + long + `", "user_name": "x", "_id": {"$oid": "5c"}}`, long, ""},
		"tok":     {`{"token": "ABCDEFGHIJKL.ABCDEFGHIJKLMNOPQRSTUVWXYZ"}`, "", "ABCDEFGHIJKL.ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
	} {
		m := open.manager(t)
		u := userAnswer(t, m.do("POST", "/users/"+name, tc.body))
		if read := userAnswer(t, m.do("GET", "/users/"+name, "")); u != read || u.UserName != name {
			t.Errorf("%s: answered %+v, written %+v", name, u, read)
		}
		if tc.password != "" {
			m.wantLogin(t, 200, name, tc.password)
		}
		if tc.token != "" {
			m.wantLogin(t, 200, tc.token)
		}
		for _, wrong := range []string{u.Password, u.Token, name} {
			m.wantLogin(t, 401, name, wrong)
			m.wantLogin(t, 401, wrong)
		}
		for _, secret := range []string{"pa ss", "t0k", long, "ABCDEFGHIJKL", "$2a$"} {
			if strings.Contains(m.log.String(), secret) {
				t.Errorf("%q is in the log", secret)
			}
		}
	}
}

func TestUpdateUser(t *testing.T) { onEveryStore(t, testUpdateUser) }

func testUpdateUser(t *testing.T, open opener) {
	m := open.manager(t)
	ann := m.fillUsers()
	m.wantLogin(t, 200, "ann", annPassword)
	m.wantLogin(t, 200, annToken)

	// A client that sends back what it read changes nothing.
	sent := `{"user_name": "ann", "password": "` + ann.Password + `", "token": "` + ann.Token + `"}`
	if u := userAnswer(t, m.do("PUT", "/users/ann/update", sent)); u != ann {
		t.Errorf("sent back %+v, got %+v", ann, u)
	}
	m.wantLogin(t, 200, "ann", annPassword)
	m.wantLogin(t, 200, annToken)

	// A hash that is not the user's is no password.
	other := hash(t, "other")
	wantJSON(t, m.do("PUT", "/users/ann/update", `{"token": "x", "password": "`+other+`"}`), 400,
		`{"password": "is a bcrypt hash and not the one this user has: must be the password itself"}`)
	wantJSON(t, m.do("POST", "/users/new", `{"token": "`+other+`"}`), 400,
		`{"token": "is a bcrypt hash and not the one this user has: must be the token itself"}`)
	if u := userAnswer(t, m.do("GET", "/users/ann", "")); u != ann {
		t.Errorf("%+v became %+v by a refused update", ann, u)
	}

	// One that is given counts from the answer on, the other stays.
	if u := userAnswer(t, m.do("PATCH", "/users/ann/update", `{"password": "new"}`)); u.Password == ann.Password || u.Token != ann.Token {
		t.Errorf("%+v became %+v by a new password", ann, u)
	}
	m.wantLogin(t, 401, "ann", annPassword)
	m.wantLogin(t, 200, "ann", "new")
	m.wantLogin(t, 200, annToken)
	userAnswer(t, m.do("PUT", "/users/ann/update", `{"token": "new"}`))
	m.wantLogin(t, 401, annToken)
	m.wantLogin(t, 200, "new")
	m.wantLogin(t, 200, "ann", "new")

	m.do("DELETE", "/users/ann", "")
	m.wantLogin(t, 401, "new")
	m.wantLogin(t, 401, "ann", "new")
}

// The new token is shown once and counts at once; the one before counts no more.
func TestRefresh(t *testing.T) { onEveryStore(t, testRefresh) }

func testRefresh(t *testing.T, open opener) {
	m := open.manager(t)
	ann := m.fillUsers()
	old := annToken
	for range 3 {
		m.wantLogin(t, 200, old)
		w := m.do("POST", "/users/ann/refresh", "")
		var fresh map[string]string
		if err := json.Unmarshal(w.Body.Bytes(), &fresh); err != nil || w.Code != 200 || len(fresh) != 1 || len(fresh["token"]) < 32 {
			t.Fatalf("%d %s, want a new token", w.Code, w.Body)
		}
		m.wantLogin(t, 401, old)
		m.wantLogin(t, 200, fresh["token"])
		m.wantLogin(t, 200, "ann", annPassword)
		old = fresh["token"]
	}
	if strings.Contains(m.log.String(), old) {
		t.Error("the new token is in the log")
	}
	u := userAnswer(t, m.do("GET", "/users/ann", ""))
	if u.Password != ann.Password {
		t.Error("refresh changed the password")
	}
	if selector, _, _ := strings.Cut(old, "."); strings.Contains(m.do("GET", "/users/ann", "").Body.String(), selector) {
		t.Error("the selector of the token is shown")
	}
}
