package api

import (
	"net/http"

	"muster/manager/auth"
	"muster/manager/store"
)

// A userPatch is what a request body says about a user; nil is what it leaves out.
type userPatch struct{ password, token *string }

// readUserPatch reads the body of a request.
func readUserPatch(r *http.Request) (p userPatch, err error) {
	fields, err := readPatch(r, "user_name", "_id")
	if err != nil {
		return p, err
	}
	if fields.given == nil {
		return p, errNothingGiven
	}
	return p, fields.apply([]field{
		{"password", func(v value) error {
			// Basic credentials cannot have them.
			const must = "must not contain control characters"
			return v.secret(&p.password, must, func(c byte) bool { return c >= ' ' && c != 0x7f })
		}},
		{"token", func(v value) error {
			const must = "may only contain visible ASCII characters"
			return v.secret(&p.token, must, func(c byte) bool { return c > ' ' && c < 0x7f })
		}},
	})
}

// secret decodes a password or token whose bytes must all be fit.
func (v value) secret(into **string, must string, fit func(byte) bool) error {
	var secret string
	if err := v.string(&secret); err != nil {
		return err
	}
	if len(secret) == 0 || len(secret) > auth.MaxSecret {
		return fieldErrorf(v.field, "must have 1 to %d bytes, has %d", auth.MaxSecret, len(secret))
	}
	for i := range len(secret) {
		if !fit(secret[i]) {
			return fieldErrorf(v.field, "%s", must)
		}
	}
	*into = &secret
	return nil
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
