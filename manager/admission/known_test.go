package admission_test

import (
	"strings"
	"testing"
	"time"

	"muster/manager/admission"
	"muster/manager/store"
	"muster/topics"
	"muster/topics/token"
)

// Whom another broker has let in is known by name, as long as they would still be let in.
func TestKnown(t *testing.T) {
	r := newRig(t)
	key := newKey(t)
	r.identity("d1", "tills", key)
	r.identity("s1", "screens", nil, func(i *store.Identity) { secretOf(i) })
	r.identity("waits", "tills", key, func(i *store.Identity) { i.State = store.IdentityPending })
	r.identity("out", "tills", key, revoke)
	r.identity("both", "tills", key)
	r.user("both", "pass")
	r.user("ann", "pass")
	r.apiToken("b1", "bridge", "")
	r.apiToken("ci", "", "")
	enroll := token.EnrollUser(r.enrollToken(nil).ID)
	over := token.EnrollUser(r.enrollToken(func(t *store.Token) { t.Expires = time.Now().Add(-time.Second) }).ID)
	for _, tt := range []struct {
		admission.Login
		role        topics.Role
		name, group string
		why         string
	}{
		{Login: admission.Login{ClientID: "d1", CommonName: "d1"}, role: topics.RoleDevice, name: "d1", group: "tills"},
		{Login: admission.Login{ClientID: "d1", Username: "d1"}, role: topics.RoleDevice, name: "d1", group: "tills"},
		{Login: admission.Login{ClientID: "s1", Username: "s1"}, role: topics.RoleDevice, name: "s1", group: "screens"},
		{Login: admission.Login{ClientID: "x", Username: "token:b1"}, role: topics.RoleBridge, name: "b1"},
		{Login: admission.Login{ClientID: "x", Username: "ann"}, role: topics.RoleViewer, name: "ann"},
		{Login: admission.Login{ClientID: "d9", Username: enroll}, role: topics.RoleEnrolling, name: "d9", group: "tills"},

		{Login: admission.Login{ClientID: "d2", Username: "d1"}, why: `client id "d2"`},
		{Login: admission.Login{ClientID: "d2", CommonName: "d1"}, why: `client id "d2"`},
		{Login: admission.Login{ClientID: "s1", CommonName: "s1"}, why: "another key"},
		{Login: admission.Login{ClientID: "waits", Username: "waits"}, why: "waits for an admin"},
		{Login: admission.Login{ClientID: "out", Username: "out"}, why: "is revoked"},
		{Login: admission.Login{ClientID: "out", CommonName: "out"}, why: "is revoked"},
		{Login: admission.Login{ClientID: "both", Username: "both"}, why: "is a user"},
		{Login: admission.Login{ClientID: "x", Username: "token:ci"}, why: "no role"},
		{Login: admission.Login{ClientID: "x", Username: "token:b2"}, why: "no such token"},
		{Login: admission.Login{ClientID: "d9", Username: over}, why: "has ended"},
		{Login: admission.Login{ClientID: "+", Username: enroll}, why: "must be the name of a device"},
		{Login: admission.Login{ClientID: "x", Loopback: true}, why: "no user name"},
		{Login: admission.Login{ClientID: "#", Username: "#"}, why: "cannot be a device's"},
	} {
		s, err := r.gate.Known(t.Context(), tt.Login)
		switch {
		case tt.why != "":
			if err == nil || !strings.Contains(err.Error(), tt.why) {
				t.Errorf("%+v: %+v, %v, want %q", tt.Login, s, err, tt.why)
			}
		case err != nil || s.Role != tt.role || s.Name != tt.name || s.Group != tt.group || (s.Sees != nil) != (tt.role == topics.RoleViewer):
			t.Errorf("%+v: %+v, %v", tt.Login, s, err)
		}
	}

	// A revocation counts at once.
	r.in(r.store, "d1", revoke)
	if _, err := r.gate.Known(t.Context(), admission.Login{ClientID: "d1", Username: "d1"}); err == nil {
		t.Error("a revoked device is still known")
	}
}
