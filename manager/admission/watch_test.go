package admission_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"muster/manager/store"
	"muster/topics"
)

// A device that is revoked is gone when the call returns, or soon when another manager did it; it stays out, and others stay in.
func TestRevoke(t *testing.T) {
	for _, by := range []string{"this manager", "another manager"} {
		t.Run(by, func(t *testing.T) {
			r := newRig(t)
			s := r.store
			if by == "another manager" {
				s = r.behind
			}
			key, late := newKey(t), newKey(t)
			r.identity("d1", "tills", key)
			r.identity("d2", "tills", key)
			r.identity("d3", "tills", late)
			var secret string
			r.identity("s1", "tills", nil, func(i *store.Identity) { secret = secretOf(i) })
			d1 := r.mustDial(shown{id: "d1", certificate: r.ca.device(t, "d1", key, time.Hour)})
			d2 := r.mustDial(shown{id: "d2", certificate: r.ca.device(t, "d2", key, time.Hour)})
			renewing := r.mustDial(shown{id: "d3", certificate: r.ca.device(t, "d3", late, -time.Minute)})
			s1 := r.mustDial(shown{id: "s1", user: "s1", password: secret})
			guest := r.mustDial(shown{id: "guest", user: "guest", password: devicesPass})
			for _, device := range []string{"d1", "d3", "s1"} {
				r.in(s, device, revoke)
			}
			for _, gone := range []*session{d1, renewing, s1} {
				gone.wantGone(0x87)
			}
			for _, again := range []shown{
				{id: "d1", certificate: r.ca.device(t, "d1", key, time.Hour)}, {id: "d3", certificate: r.ca.device(t, "d3", late, -time.Minute)},
				{id: "s1", user: "s1", password: secret}, {id: "d1", user: "d1", password: devicesPass},
			} {
				if _, code, err := r.dial(again); code != 0x86 {
					t.Errorf("%s comes back: %#x, %v", again.id, code, err)
				}
			}
			d2.wantHere()
			guest.wantHere()
			// One that had no identity, and was let in all the same, gets one that keeps it out.
			if _, err := s.Identities().Create(t.Context(), store.Identity{Device: "guest", DeviceGroup: "tills", State: store.IdentityRevoked}); err != nil {
				t.Fatal(err)
			}
			guest.wantGone(0x87)
		})
	}
}

// A device that is deleted is gone at once; one that is moved, or gets another key, is judged anew. A renewed certificate ends nothing.
func TestIdentityChanges(t *testing.T) {
	for _, by := range []string{"this manager", "another manager"} {
		t.Run(by, func(t *testing.T) {
			r := newRig(t)
			s := r.store
			if by == "another manager" {
				s = r.behind
			}
			key, next := newKey(t), newKey(t)
			for _, device := range []string{"moves", "rekeys", "renews", "goes"} {
				r.identity(device, "tills", key)
			}
			in := map[string]*session{}
			for _, device := range []string{"moves", "rekeys", "renews", "goes"} {
				in[device] = r.mustDial(shown{id: device, certificate: r.ca.device(t, device, key, time.Hour)})
			}
			r.in(s, "renews", func(i *store.Identity) { i.Certificates = []store.IssuedCertificate{{Serial: "1", Authority: "1"}} })
			r.in(s, "moves", func(i *store.Identity) { i.DeviceGroup = "screens" })
			r.in(s, "rekeys", func(i *store.Identity) { i.PublicKey = publicKey(t, next) })
			in["moves"].wantGone(0x98)
			in["rekeys"].wantGone(0x98)
			moved := r.mustDial(shown{id: "moves", certificate: r.ca.device(t, "moves", key, time.Hour)})
			if !moved.maySubscribe(topic(topics.GroupConfig, "screens")) || moved.maySubscribe(topic(topics.GroupConfig, "tills")) {
				t.Error("a device that was moved follows its old device_group, or not its new one")
			}
			if _, code, err := r.dial(shown{id: "rekeys", certificate: r.ca.device(t, "rekeys", key, time.Hour)}); code != 0x86 {
				t.Errorf("the old key is let in: %#x, %v", code, err)
			}
			r.mustDial(shown{id: "rekeys", certificate: r.ca.device(t, "rekeys", next, time.Hour)})
			in["renews"].wantHere()
			if err := s.Identities().Delete(t.Context(), "goes"); err != nil {
				t.Fatal(err)
			}
			if by == "this manager" {
				in["goes"].wantGone(0x87)
			} else if err := r.gate.Sweep(t.Context()); err != nil {
				t.Error(err)
			} else {
				in["goes"].wantGone(0x87)
			}
			if _, code, err := r.dial(shown{id: "goes", certificate: r.ca.device(t, "goes", key, time.Hour)}); code != 0x86 {
				t.Errorf("a deleted device is let in: %#x, %v", code, err)
			}
		})
	}
}

// While the store fails, those who were let in before still are, unless they are known to be revoked or deleted; those who are not known are not.
func TestStoreFails(t *testing.T) {
	r := newRig(t)
	key := newKey(t)
	for _, device := range []string{"known", "never", "out", "gone"} {
		r.identity(device, "tills", key)
	}
	cert := func(device string) shown {
		return shown{id: device, certificate: r.ca.device(t, device, key, time.Hour)}
	}
	guest := shown{id: "guest", user: "guest", password: devicesPass}
	for _, s := range []shown{cert("known"), cert("out"), cert("gone"), guest} {
		r.mustDial(s)
	}
	r.in(r.store, "out", revoke)
	if err := r.store.Identities().Delete(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	r.behind.broken.Store(true)
	known := r.mustDial(cert("known"))
	if !known.maySubscribe(topic(topics.GroupConfig, "tills")) || known.maySubscribe(topic(topics.GroupConfig, "screens")) {
		t.Error("the device_group is not remembered")
	}
	r.mustDial(guest)
	for _, s := range []shown{cert("never"), cert("out"), cert("gone"), {id: "guest2", user: "guest2", password: devicesPass}, {id: "guest", user: "guest", password: "no"}} {
		if _, code, err := r.dial(s); code != 0x86 {
			t.Errorf("%s is let in: %#x, %v", s.id, code, err)
		}
	}
	r.behind.broken.Store(false)
	r.eventually("the store is asked again", func() bool {
		_, code, err := r.dial(cert("never"))
		return err == nil && code == 0
	})
}

// What was decided is in the store: another start lets in the same, and the revoked stay out.
func TestRestart(t *testing.T) {
	path, ca, key := filepath.Join(t.TempDir(), "muster.db"), newAuthority(t), newKey(t)
	t.Run("before", func(t *testing.T) {
		r := newRigAt(t, path, ca)
		r.identity("d1", "tills", key)
		r.identity("out", "tills", key)
		r.mustDial(shown{id: "out", certificate: ca.device(t, "out", key, time.Hour)})
		r.in(r.store, "out", revoke)
	})
	r := newRigAt(t, path, ca)
	r.mustDial(shown{id: "d1", certificate: ca.device(t, "d1", key, time.Hour)})
	if _, code, err := r.dial(shown{id: "out", certificate: ca.device(t, "out", key, time.Hour)}); code != 0x86 {
		t.Errorf("after a restart a revoked device is let in: %#x, %v", code, err)
	}
}

// Users and programs see what is about the device_groups that they may read, by the rights of the time; when they are deleted, or their password or
// token is another, they are out.
func TestLookers(t *testing.T) {
	r := newRig(t)
	r.user("ann", "ann-pass")
	rights := store.UserGroup{UserGroup: "shops", GroupMembers: []string{"ann"}, DeviceGroups: map[string]store.Right{"tills": store.ReadOnly}}
	if err := r.store.UserGroups().Create(t.Context(), rights); err != nil {
		t.Fatal(err)
	}
	r.identity("d1", "tills", nil)
	r.identity("d2", "screens", nil)
	key := newKey(t)
	r.identity("d3", "tills", key)
	r.mustDial(shown{id: "d3", certificate: r.ca.device(t, "d3", key, time.Hour)})
	ci := r.apiToken("ci", "viewer", "shops")
	bridge := r.apiToken("archive", "bridge", "")
	lookers := map[string]*session{
		"ann": r.mustDial(shown{id: "ann-1", user: "ann", password: "ann-pass"}),
		"ci":  r.mustDial(shown{id: "ci-1", user: "token:ci", password: ci.Text()}),
	}
	b := r.mustDial(shown{id: "bridge-1", user: "token:archive", password: bridge.Text()})
	if !b.maySubscribe(topics.DefaultRoot.Filter(topics.DeviceReport)) || !b.mayPublish(topic(topics.BridgeStatus, "archive")) || b.mayPublish(topic(topics.BridgeStatus, "other")) {
		t.Error("a bridge's token does not make a bridge of that name")
	}
	manager := r.server.Client("manager")
	defer manager.Close()
	root := r.mustDial(shown{id: "root-1", user: adminName, password: adminPass})
	tell := []string{
		topic(topics.GroupConfig, "screens"), topic(topics.GroupSummary, "tills"), topic(topics.DeviceReply, "d3"), topic(topics.DeviceReply, "guest"),
		topic(topics.ManagerStatus, "m"), topic(topics.GroupConfig, "tills"),
	}
	hears := func(s *session, want ...string) {
		t.Helper()
		s.wantHere()
		for len(s.got) > 0 {
			<-s.got // of earlier rounds
		}
		for _, to := range tell {
			r.publish(manager, to)
		}
		for _, to := range want {
			select {
			case got := <-s.got:
				if got.Topic != to {
					t.Errorf("%s is sent %s, want %s", s.ClientID(), got.Topic, to)
				}
			case <-time.After(patience):
				t.Fatalf("%s is not sent %s", s.ClientID(), to)
			}
		}
		s.wantHere()
		if len(s.got) > 0 {
			t.Errorf("%s is sent %s", s.ClientID(), (<-s.got).Topic)
		}
	}
	if !root.maySubscribe("#") {
		t.Fatal("the admin may not see everything")
	}
	hears(root, tell...)
	for _, s := range lookers {
		if !s.maySubscribe("muster/#") || s.maySubscribe(topic(topics.GroupConfig, "screens")) {
			t.Errorf("%s may not subscribe as it should", s.ClientID())
		}
		hears(s, topic(topics.GroupSummary, "tills"), topic(topics.DeviceReply, "d3"), topic(topics.GroupConfig, "tills"))
	}
	if _, err := r.store.UserGroups().Modify(t.Context(), "shops", func(g *store.UserGroup) error {
		g.DeviceGroups = map[string]store.Right{"screens": store.ReadWrite}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, s := range lookers {
		r.eventually("the new rights are seen", func() bool { return s.maySubscribe(topic(topics.GroupConfig, "screens")) })
		_, _ = s.Unsubscribe(t.Context(), &paho.Unsubscribe{Topics: []string{topic(topics.GroupConfig, "screens")}})
		hears(s, topic(topics.GroupConfig, "screens"), topic(topics.DeviceReply, "guest"))
	}

	if err := r.store.Tokens().Delete(t.Context(), ci.ID); err != nil {
		t.Fatal(err)
	}
	lookers["ci"].wantGone(0x87)
	if _, err := r.behind.Users().Modify(t.Context(), "ann", func(u *store.User) error {
		u.Password = hashOf(t, "other")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	lookers["ann"].wantGone(0x87)
	again := r.mustDial(shown{id: "ann-2", user: "ann", password: "other"})
	if err := r.behind.Users().Delete(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	again.wantGone(0x87)
	b.wantHere()
	if _, err := r.behind.Tokens().Modify(t.Context(), bridge.ID, func(t *store.Token) error {
		t.Expires = time.Now()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	b.wantGone(0x87)
	root.wantHere()
}
