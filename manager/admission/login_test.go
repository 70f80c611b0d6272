package admission_test

import (
	"crypto/ecdsa"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"muster/manager/store"
	"muster/topics"
	"muster/topics/token"
)

// secretOf gives a device a secret, and returns it.
func secretOf(into *store.Identity) string {
	made := token.New(token.Pin{})
	into.SecretHash = made.Hash()
	return made.Secret()
}

// Each way in lets in who has what it takes, as what they are, and nobody else; each refusal is logged once, with who it was and why.
func TestLogin(t *testing.T) {
	r := newRig(t)
	key, other := newKey(t), newKey(t)
	r.identity("d1", "tills", key)
	r.identity("waits", "tills", key, func(i *store.Identity) { i.State = store.IdentityPending })
	r.identity("out", "tills", key, revoke)
	var secret, outSecret string
	r.identity("s1", "screens", nil, func(i *store.Identity) { secret = secretOf(i) })
	r.identity("s-out", "screens", nil, func(i *store.Identity) { outSecret = secretOf(i); revoke(i) })
	r.identity("carol", "tills", key)
	r.user("carol", "carol-pass")

	cert := func(name string, key *ecdsa.PrivateKey) shown {
		return shown{id: name, certificate: r.ca.device(t, name, key, time.Hour)}
	}
	with := func(s shown, change func(*shown)) shown {
		change(&s)
		return s
	}
	enroll, api := r.enrollToken(nil), r.apiToken("ci", "viewer", "")
	bound := r.enrollToken(func(t *store.Token) { t.Device = "d7" })
	over := r.enrollToken(func(t *store.Token) { t.Expires = time.Now().Add(-time.Second) })
	shownAs := func(t token.Token, id string) shown {
		return shown{id: id, user: token.EnrollUser(t.ID), password: t.Secret()}
	}
	refused := 0
	for name, tt := range map[string]struct {
		shown
		role topics.Role // empty: refused
		why  string      // in the log
		tls  bool        // refused in the handshake
	}{
		"certificate":               {shown: cert("d1", key), role: topics.RoleDevice},
		"certificate and name":      {shown: with(cert("d1", key), func(s *shown) { s.user = "d1" }), role: topics.RoleDevice},
		"of another name":           {shown: with(cert("d1", key), func(s *shown) { s.user = "d2" }), why: `user name \"d2\" beside the certificate of device \"d1\"`},
		"client id of another":      {shown: with(cert("d1", key), func(s *shown) { s.id = "d2" }), why: `client id \"d2\" must be the device's name \"d1\"`},
		"another key":               {shown: cert("d1", other), why: `device \"d1\" is for another key`},
		"no identity":               {shown: cert("d9", key), why: `device \"d9\" has no identity`},
		"pending":                   {shown: cert("waits", key), why: `device \"waits\" waits for an admin's approval`},
		"revoked":                   {shown: cert("out", key), why: `device \"out\" is revoked`},
		"key of a secret's":         {shown: cert("s1", key), why: `device \"s1\" is for another key`},
		"path":                      {shown: with(cert("../d1", key), func(s *shown) { s.id = "../d1" }), why: `certificate of \"../d1\"`},
		"wildcard":                  {shown: with(cert("+", key), func(s *shown) { s.id = "+" }), why: `certificate of \"+\"`},
		"other authority":           {shown: shown{id: "d1", certificate: newAuthority(t).device(t, "d1", key, time.Hour)}, why: `certificate of \"d1\": not of this fleet`, tls: true},
		"expired within the grace":  {shown: shown{id: "d1", certificate: r.ca.device(t, "d1", key, -time.Minute)}, role: topics.RoleRenewing},
		"expired long ago":          {shown: shown{id: "d1", certificate: r.ca.device(t, "d1", key, -2*time.Hour)}, why: `certificate of \"d1\": not of this fleet`, tls: true},
		"expired, revoked":          {shown: shown{id: "out", certificate: r.ca.device(t, "out", key, -time.Minute)}, why: `device \"out\" is revoked`},
		"expired, another key":      {shown: shown{id: "d1", certificate: r.ca.device(t, "d1", other, -time.Minute)}, why: `device \"d1\" is for another key`},
		"secret":                    {shown: shown{id: "s1", user: "s1", password: secret}, role: topics.RoleDevice},
		"secret, other client id":   {shown: shown{id: "s2", user: "s1", password: secret}, why: `client id \"s2\" must be the device's name \"s1\"`},
		"wrong secret":              {shown: shown{id: "s1", user: "s1", password: outSecret}, why: `wrong secret for device \"s1\"`},
		"no secret":                 {shown: shown{id: "s1", user: "s1"}, why: `wrong secret for device \"s1\"`},
		"secret of a revoked":       {shown: shown{id: "s-out", user: "s-out", password: outSecret}, why: `device \"s-out\" is revoked`},
		"secret for a key":          {shown: shown{id: "d1", user: "d1", password: secret}, why: `wrong secret for device \"d1\"`},
		"shared password":           {shown: shown{id: "guest", user: "guest", password: devicesPass}, role: topics.RoleDevice},
		"shared, has a key":         {shown: shown{id: "d1", user: "d1", password: devicesPass}, why: `wrong secret for device \"d1\"`},
		"shared, revoked":           {shown: shown{id: "out", user: "out", password: devicesPass}, why: `device \"out\"`},
		"wrong shared":              {shown: shown{id: "guest2", user: "guest2", password: "no"}, why: `device \"guest2\" has no identity`},
		"nothing":                   {shown: shown{id: "d1"}, why: "no user name and no certificate"},
		"nothing, without TLS":      {shown: shown{id: "d1", plain: true}, why: "no user name and no certificate"},
		"admin":                     {shown: shown{id: "x", user: adminName, password: adminPass}, role: topics.RoleViewer},
		"admin, wrong password":     {shown: shown{id: "x", user: adminName, password: "no"}, why: `user \"root\"`},
		"user":                      {shown: shown{id: "y", user: "carol", password: "carol-pass"}, role: topics.RoleViewer},
		"user by a device's name":   {shown: shown{id: "carol", user: "carol", password: "carol-pass"}, role: topics.RoleViewer},
		"user, wrong password":      {shown: shown{id: "carol", user: "carol", password: devicesPass}, why: `user \"carol\"`},
		"no name for a device":      {shown: shown{id: "a/b", user: "a/b", password: devicesPass}, why: `\"a/b\" is no user's and cannot be a device's`},
		"enrollment token":          {shown: shownAs(enroll, "new"), role: topics.RoleEnrolling},
		"wrong enrollment secret":   {shown: with(shownAs(enroll, "new"), func(s *shown) { s.password = secret }), why: "wrong secret for token " + enroll.ID},
		"whole token as secret":     {shown: with(shownAs(enroll, "new"), func(s *shown) { s.password = enroll.Text() }), why: "wrong secret for token " + enroll.ID},
		"enrolling without a name":  {shown: shownAs(enroll, "a/b"), why: `client id \"a/b\" must be the name of a device`},
		"token of another device":   {shown: shownAs(bound, "d8"), why: `token ` + bound.ID + ` is not for device \"d8\"`},
		"token of this device":      {shown: shownAs(bound, "d7"), role: topics.RoleEnrolling},
		"token that has ended":      {shown: shownAs(over, "new2"), why: "token " + over.ID + " has ended"},
		"no such token":             {shown: shownAs(token.New(token.Pin{}), "new3"), why: "there is no token"},
		"API token to enroll":       {shown: shownAs(api, "new4"), why: "token " + api.ID + " is not for enrollment"},
		"API token":                 {shown: shown{id: "x", user: "token:ci", password: api.Text()}, role: topics.RoleViewer},
		"API token by another name": {shown: shown{id: "x", user: "token:ic", password: api.Text()}, why: `\"token:ic\": that is the token of \"token:ci\"`},
		"enrollment as API token":   {shown: shown{id: "x", user: "token:ci", password: enroll.Text()}, why: `\"token:ci\"`},
	} {
		if tt.role == "" {
			refused++
		}
		t.Run(name, func(t *testing.T) {
			r := *r
			r.t = t
			in, code, err := r.dial(tt.shown)
			if tt.role != "" {
				if err != nil || code != 0 {
					t.Fatalf("not let in: %#x, %v", code, err)
				}
				defer func() { _ = in.Disconnect(&paho.Disconnect{}) }()
				if got := r.roleOf(in); got != tt.role {
					t.Errorf("let in as %s, want %s", got, tt.role)
				}
				return
			}
			switch {
			case in != nil:
				t.Fatal("let in")
			case tt.tls && err == nil:
				t.Errorf("the client is told %#x, want an end during the handshake", code)
			case !tt.tls && code != 0x86:
				t.Errorf("the client is told %#x, %v, want 0x86", code, err)
			}
			// The client may hear of it first. The same refusal of the same client is logged once a minute.
			r.eventually("a line that has "+tt.why, func() bool {
				for line := range strings.Lines(r.log.String()) {
					if strings.Contains(line, "connection refused") && strings.Contains(line, tt.why) && strings.Contains(line, "remote=127.0.0.1:") {
						return true
					}
				}
				return false
			})
		})
	}
	if lines := strings.Count(r.log.String(), "connection refused"); lines > refused {
		t.Errorf("%d lines are of %d refusals", lines, refused)
	}
	for _, s := range []string{secret, outSecret, devicesPass, adminPass, "carol-pass", enroll.Secret(), api.Secret(), bound.Secret()} {
		if strings.Contains(r.log.String(), s) {
			t.Errorf("the log tells a secret")
		}
	}
}

// roleOf finds out what somebody is by what they may do.
func (r *rig) roleOf(s *session) topics.Role {
	name := s.ClientID()
	switch {
	case s.mayPublish(topic(topics.DeviceCheckin, name)):
		return topics.RoleDevice
	case s.mayPublish(topic(topics.DeviceRenew, name)):
		return topics.RoleRenewing
	case s.mayPublish(topic(topics.EnrollRequest, name)):
		return topics.RoleEnrolling
	case s.maySubscribe("#"):
		return topics.RoleViewer
	}
	return "none"
}

// A device follows the device_group of its identity, and no other; by the password that all share it follows any.
func TestGroupOfADevice(t *testing.T) {
	r := newRig(t)
	key := newKey(t)
	r.identity("d1", "tills", key)
	d1 := r.mustDial(shown{id: "d1", certificate: r.ca.device(t, "d1", key, time.Hour)})
	guest := r.mustDial(shown{id: "guest", user: "guest", password: devicesPass})
	for group, want := range map[string]bool{"tills": true, "screens": false} {
		if got := d1.maySubscribe(topic(topics.GroupConfig, group)); got != want {
			t.Errorf("d1 may follow %s: %v", group, got)
		}
		if !guest.maySubscribe(topic(topics.GroupConfig, group)) {
			t.Errorf("a device with the shared password may not follow %s", group)
		}
	}
}
