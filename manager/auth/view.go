package auth

import (
	"crypto/sha256"
	"encoding/hex"

	"muster/manager/store"
)

// An account is a user of the database with all that follows from the user_groups.
type account struct {
	identity Identity
	// password and token are bcrypt hashes; empty when there is none that can be used.
	password, token string
}

func passwordOf(a *account) string { return a.password }

func tokenOf(a *account) string { return a.token }

// A view is what one reading of users and user_groups comes to. It does not change.
type view struct {
	users map[string]*account
	// selected has the accounts by the selector of their token, and unselected those whose token has none,
	// in the order of their names.
	selected   map[string][]*account
	unselected []*account
	// unselectedAre says who the unselected are and what their hashes: it changes when they do.
	unselectedAre string
	// passwords are the hashes of all passwords.
	passwords []string
	// tokens are the API tokens by their IDs.
	tokens map[string]*apiToken
}

// newView combines users, user_groups and tokens. The user whose name is reserved is left out.
func newView(users []store.User, groups []store.UserGroup, tokens []store.Token, reserved string) *view {
	v := &view{users: make(map[string]*account, len(users)), selected: map[string][]*account{}, tokens: apiTokens(tokens, groups)}
	rights := rightsByMember(groups)
	are := sha256.New()
	for _, u := range users {
		if u.UserName == reserved {
			continue
		}
		a := &account{Identity{Name: u.UserName}, usable(u.Password), usable(u.Token)}
		if r, ok := rights[u.UserName]; ok {
			a.identity.Admin, a.identity.Rights = r.admin, &r.Rights
		}
		v.users[u.UserName] = a
		if a.password != "" {
			v.passwords = append(v.passwords, a.password)
		}
		if a.token == "" {
			continue
		}
		if selector := storedSelector(u); selector != "" {
			v.selected[selector] = append(v.selected[selector], a)
			continue
		}
		v.unselected = append(v.unselected, a)
		are.Write([]byte(u.UserName + "\x00" + a.token + "\x00"))
	}
	v.unselectedAre = hex.EncodeToString(are.Sum(nil))
	return v
}

// membership is what all user_groups together give one of their members.
type membership struct {
	admin bool
	Rights
}

func newMembership() *membership {
	return &membership{Rights: Rights{
		Apps: map[string]store.Right{}, DeviceGroups: map[string]store.Right{}, CronJobs: map[string]store.Right{},
	}}
}

// join adds what the group gives.
func (m *membership) join(g store.UserGroup) {
	m.admin = m.admin || g.Admin
	m.Pruning = m.Pruning || g.PruningAllowed
	widen(m.Apps, g.Apps)
	widen(m.DeviceGroups, g.DeviceGroups)
	widen(m.CronJobs, g.CronJobs)
}

// rightsByMember is the union over the groups, by name of the member.
func rightsByMember(groups []store.UserGroup) map[string]*membership {
	all := map[string]*membership{}
	for _, g := range groups {
		for _, name := range g.GroupMembers {
			m := all[name]
			if m == nil {
				m = newMembership()
				all[name] = m
			}
			m.join(g)
		}
	}
	return all
}

// widen adds the rights of more to those of to. What is neither ro nor rw gives nothing.
func widen(to, more map[string]store.Right) {
	for name, right := range more {
		if includes(right, store.ReadOnly) && !includes(to[name], right) {
			to[name] = right
		}
	}
}
