package auth_test

import (
	"fmt"
	"strings"
	"testing"

	"muster/manager/auth"
	"muster/manager/store"
)

func TestUsers(t *testing.T) {
	r := newRig(t)
	r.user("ann", "ann's pass:word", "ann-token")
	own := auth.NewToken()
	r.user("bob", strings.Repeat("b", 72), own)
	r.user("bare", "", "")
	r.user(adminName, "of the database", "of-the-database")
	for name, prefix := range map[string]string{"b": "$2b$", "y": "$2y$", "x": "$2x$", "none": "$2$"} {
		r.user(name, "pass "+name, "tok-"+name)
		r.change(name, func(u *store.User) {
			u.Password = strings.Replace(u.Password, "$2a$", prefix, 1)
			u.Token = strings.Replace(u.Token, "$2a$", prefix, 1)
		})
	}
	r.user("slow", "slow", "slow-token")
	r.change("slow", func(u *store.User) { // nobody waits for 2^31 rounds
		u.Password = strings.Replace(u.Password, "$04$", "$31$", 1)
		u.Token = strings.Replace(u.Token, "$04$", "$31$", 1)
	})
	r.user("odd", "odd", "odd-token")
	r.change("odd", func(u *store.User) { u.Password, u.Token = "plain", "plain" })
	r.Invalidate()

	for header, want := range map[string]string{
		basic("ann", "ann's pass:word"):             "ann",
		"Bearer ann-token":                          "ann",
		basic("bob", strings.Repeat("b", 72)):       "bob",
		basic("bob", strings.Repeat("b", 72)+"any"): "bob", // bcrypt looks at 72 bytes, with Nebula too
		"Bearer " + own:                             "bob",
		basic("b", "pass b"):                        "b",
		"Bearer tok-b":                              "b",
		basic("y", "pass y"):                        "y",
		"Bearer tok-y":                              "y",
		basic(adminName, adminPass):                 adminName,
		"Bearer " + adminToken:                      adminName,

		basic("ann", "ann-token"):               "denied",
		basic("ann", ""):                        "denied",
		basic("Ann", "ann's pass:word"):         "denied",
		basic("bob", "ann's pass:word"):         "denied",
		basic("bare", ""):                       "denied",
		basic("bare", "x"):                      "denied",
		basic("", "x"):                          "denied",
		basic("x", "pass x"):                    "denied",
		basic("none", "pass none"):              "denied",
		basic("slow", "slow"):                   "denied",
		basic("odd", "plain"):                   "denied",
		"Bearer ann's pass:word":                "denied",
		"Bearer tok-x":                          "denied",
		"Bearer slow-token":                     "denied",
		"Bearer plain":                          "denied",
		"Bearer " + own[:len(own)-1] + "_":      "denied",
		"Bearer " + own[:13]:                    "denied",
		"Bearer " + auth.NewToken():             "denied",
		basic(adminName, "of the database"):     "denied",
		"Bearer of-the-database":                "denied",
		basic("ann", hash(t, "ann-token")):      "denied",
		"Bearer " + hash(t, "ann-token"):        "denied",
		basic("ann", "ann's pass:word\x00more"): "denied",
	} {
		r.want(want, home, header)
		r.want(want, home, header) // from memory
	}
	for _, secret := range []string{"ann's", "ann-token", "$2a$", "$2b$", own[:12]} {
		if strings.Contains(r.log.String(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
	if !strings.Contains(r.log.String(), "local admin's name") {
		t.Error("the log does not say that a user is left out")
	}
	if !r.Reserved(adminName) || r.Reserved("ann") {
		t.Error("the local admin's name must be reserved, and no other")
	}
}

// The hash that takes the time of one who does not exist lets nobody in, not even with its own password.
func TestNobodyIsNobodyElse(t *testing.T) {
	r := newRig(t)
	r.user("ann", "right", "")
	r.want("denied", home, basic("nobody", "right"))
	r.want("ann", home, basic("ann", "right"))
	r.want("denied", home, basic("nobody", "right"))
}

// The rights of a member are the union over the groups, whatever their order.
func TestUnion(t *testing.T) {
	groups := []store.UserGroup{
		{UserGroup: "1", GroupMembers: []string{"ann", "bob"}, Apps: map[string]store.Right{"a": "ro", "b": "rw", "c": "ro"}},
		{UserGroup: "2", GroupMembers: []string{"ann"}, Apps: map[string]store.Right{"a": "rw", "b": "ro", "d": "RW"}, PruningAllowed: true},
		{UserGroup: "3", GroupMembers: []string{"ann", "nobody"}, DeviceGroups: map[string]store.Right{"g": "ro"}, CronJobs: map[string]store.Right{"c": "rw"}},
		{UserGroup: "4", GroupMembers: []string{"chief"}, Admin: true},
		{UserGroup: "5", GroupMembers: []string{"chief"}, Apps: map[string]store.Right{"a": "ro"}},
	}
	for _, order := range [][]int{{0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {1, 0, 4, 3, 2}} {
		r := newRig(t)
		for _, name := range []string{"ann", "bob", "chief", "idle"} {
			r.user(name, "pass", "")
		}
		for i, which := range order {
			g := groups[which]
			g.UserGroup = fmt.Sprint(i) // in the order in which they are read
			r.group(g)
		}
		who := map[string]auth.Identity{}
		for _, name := range []string{"ann", "bob", "chief", "idle"} {
			id, err := login(t.Context(), r.Authenticator, home, basic(name, "pass"))
			if err != nil || id.Name != name {
				t.Fatalf("%s: %+v, %v", name, id, err)
			}
			who[name] = id
		}
		ann, bob := who["ann"], who["bob"]
		for what, ok := range map[string]bool{
			"ann rw a": ann.MayApp("a", "rw"), "ann rw b": ann.MayApp("b", "rw"), "ann ro c": ann.MayApp("c", "ro"),
			"ann not rw c": !ann.MayApp("c", "rw"), "ann not d": !ann.MayApp("d", "ro"), "ann prunes": ann.MayPrune(),
			"ann g": ann.MayDeviceGroup("g", "ro"), "ann cron c": ann.MayCronJob("c", "rw"), "ann no admin": !ann.Admin,
			"bob not rw a": !bob.MayApp("a", "rw"), "bob rw b": bob.MayApp("b", "rw"), "bob does not prune": !bob.MayPrune(),
			"bob not g": !bob.MayDeviceGroup("g", "ro"), "chief": who["chief"].Admin,
			"idle nothing": who["idle"].Rights == nil && !who["idle"].Admin,
		} {
			if !ok {
				t.Errorf("order %v: not so: %s", order, what)
			}
		}
	}
}
