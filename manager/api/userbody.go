package api

import (
	"net/http"

	"muster/manager/auth"
	"muster/manager/store"
)

// A userPatch is what a request body says about a user; nil is what it leaves out.
type userPatch struct{ password, token *string }

// readUserPatch reads the body of a request.
func readUserPatch(r *http.Request) (userPatch, error) {
	fields, err := readObject(r)
	if err != nil {
		return userPatch{}, err
	}
	if fields == nil {
		return userPatch{}, errNothingGiven
	}
	fields.drop("user_name", "_id")
	if err := fields.refuseUnknown("password", "token"); err != nil {
		return userPatch{}, err
	}
	var p userPatch
	for _, f := range []struct {
		name  string
		into  **string
		check func(byte) bool
		must  string
	}{
		{"password", &p.password, func(c byte) bool { return c >= ' ' && c != 0x7f }, "must not contain control characters"},
		{"token", &p.token, func(c byte) bool { return c > ' ' && c < 0x7f }, "may only contain visible ASCII characters"},
	} {
		raw, ok := fields[f.name]
		if !ok {
			continue
		}
		var secret string
		if err := (value{f.name, raw}).string(&secret); err != nil {
			return userPatch{}, err
		}
		if len(secret) == 0 || len(secret) > auth.MaxSecret {
			return userPatch{}, fieldErrorf(f.name, "must have 1 to %d bytes, has %d", auth.MaxSecret, len(secret))
		}
		for i := range len(secret) {
			if !f.check(secret[i]) {
				return userPatch{}, fieldErrorf(f.name, "%s", f.must)
			}
		}
		*f.into = &secret
	}
	return p, nil
}

func (p userPatch) isEmpty() bool { return p.password == nil && p.token == nil }

// complete makes at random what the body leaves out.
func (p *userPatch) complete() {
	for _, secret := range []**string{&p.password, &p.token} {
		if *secret == nil {
			made := auth.NewToken()
			*secret = &made
		}
	}
}

// sentBack reports a hash that is not the user's: a client that sends back what it read means no change, and
// one that sends another hash cannot mean it for a password.
func (p userPatch) sentBack(u store.User) error {
	for _, f := range []struct {
		name   string
		given  *string
		stored string
	}{{"password", p.password, u.Password}, {"token", p.token, u.Token}} {
		if f.given != nil && auth.IsHash(*f.given) && *f.given != f.stored {
			return fieldErrorf(f.name, "is a bcrypt hash and not the one this user has: must be the %s itself", f.name)
		}
	}
	return nil
}
