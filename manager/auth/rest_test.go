package auth_test

import (
	"encoding/base64"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"muster/manager/auth"
)

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestREST(t *testing.T) {
	both := auth.Config{AdminUser: "root", AdminPassword: "pa:ss", AdminToken: "t0ken"}
	passwordOnly := auth.Config{AdminUser: "root", AdminPassword: "pa:ss"}
	tokenOnly := auth.Config{AdminToken: "t0ken"}
	userWithoutPassword := auth.Config{AdminUser: "root", AdminToken: "t0ken"}
	disabled := auth.Config{Disabled: true, AdminUser: "root", AdminPassword: "pa:ss"}
	root := auth.Identity{Name: "root", Admin: true}

	for _, tc := range []struct {
		name   string
		config auth.Config
		header string
		want   auth.Identity // the zero value: denied
	}{
		{"basic", both, basic("root", "pa:ss"), root},
		{"basic, scheme in lower case", both, strings.Replace(basic("root", "pa:ss"), "Basic", "basic", 1), root},
		{"wrong password", both, basic("root", "pa:sS"), auth.Identity{}},
		{"wrong user", both, basic("Root", "pa:ss"), auth.Identity{}},
		{"right password, no user", both, basic("", "pa:ss"), auth.Identity{}},
		{"longer password", both, basic("root", "pa:ss "), auth.Identity{}},
		{"prefix of the password", both, basic("root", "pa"), auth.Identity{}},
		{"token as password", both, basic("root", "t0ken"), auth.Identity{}},
		{"bearer", both, "Bearer t0ken", root},
		{"bearer, scheme in upper case", both, "BEARER t0ken", root},
		{"wrong token", both, "Bearer t0keN", auth.Identity{}},
		{"empty token", both, "Bearer ", auth.Identity{}},
		{"password as token", both, "Bearer pa:ss", auth.Identity{}},
		{"no header", both, "", auth.Identity{}},
		{"other scheme", both, "Digest t0ken", auth.Identity{}},
		{"token without scheme", both, "t0ken", auth.Identity{}},
		{"basic that is not base64", both, "Basic !!", auth.Identity{}},
		{"basic without a colon", both, "Basic cm9vdA==", auth.Identity{}},

		{"no token configured", passwordOnly, "Bearer t0ken", auth.Identity{}},
		{"no token configured, empty token", passwordOnly, "Bearer ", auth.Identity{}},
		{"no password configured", tokenOnly, basic("", ""), auth.Identity{}},
		{"no password configured, user is", userWithoutPassword, basic("root", ""), auth.Identity{}},
		{"token without a user", tokenOnly, "Bearer t0ken", auth.Identity{Name: "admin", Admin: true}},

		{"disabled, none needed", disabled, "", auth.Identity{Admin: true}},
		{"disabled, wrong ones do no harm", disabled, basic("root", "x"), auth.Identity{Admin: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, err := auth.New(tc.config)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest("GET", "http://localhost:8080/", nil)
			if tc.header != "" {
				r.Header.Set("Authorization", tc.header)
			}
			got, err := a.REST(r)
			if got != tc.want {
				t.Errorf("identity %+v, want %+v", got, tc.want)
			}
			if denied := tc.want == (auth.Identity{}); denied != errors.Is(err, auth.ErrDenied) || denied != (err != nil) {
				t.Errorf("error %v, denied should be %v", err, denied)
			}
			if err != nil && (strings.Contains(err.Error(), "pa:ss") || strings.Contains(err.Error(), "t0ken")) {
				t.Errorf("error tells a secret: %v", err)
			}
		})
	}
}

func TestNewRefusesWhatNobodyCouldUse(t *testing.T) {
	for name, c := range map[string]auth.Config{
		"nothing":               {},
		"user without a secret": {AdminUser: "root"},
		"password without user": {AdminPassword: "p"},
		"the same, disabled":    {AdminPassword: "p", Disabled: true},
	} {
		if _, err := auth.New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := auth.New(auth.Config{Disabled: true}); err != nil {
		t.Errorf("disabled without any credentials: %v", err)
	}
}

func TestIdentityInContext(t *testing.T) {
	ctx := t.Context()
	if id := auth.IdentityFrom(ctx); id != (auth.Identity{}) {
		t.Errorf("identity of a bare context: %+v", id)
	}
	want := auth.Identity{Name: "root", Admin: true}
	if id := auth.IdentityFrom(auth.WithIdentity(ctx, want)); id != want {
		t.Errorf("identity %+v, want %+v", id, want)
	}
}
