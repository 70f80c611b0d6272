package rights

import (
	"encoding/json"
	"io"
	"strings"
)

type (
	dynsec struct {
		Default map[string]bool `json:"defaultACLAccess"`
		Clients []dynsecClient  `json:"clients"`
		Roles   []dynsecRole    `json:"roles"`
	}
	dynsecClient struct {
		Username string          `json:"username"`
		Roles    []dynsecRoleRef `json:"roles"`
	}
	dynsecRoleRef struct {
		Name string `json:"rolename"`
	}
	dynsecRole struct {
		Name string      `json:"rolename"`
		ACLs []dynsecACL `json:"acls"`
	}
	dynsecACL struct {
		Type  string `json:"acltype"`
		Topic string `json:"topic"`
		Allow bool   `json:"allow"`
	}
)

// writeDynsec writes the plugin's config file: a client without a password and a role for each user, for Mosquitto 2.0 has no
// substitution here. Subscriptions are refused, shared ones too, and each delivery is judged as well, so that a session that was made
// with other rights is sent nothing by them. Clients that log in with passwords need those by mosquitto_ctrl.
func writeDynsec(w io.Writer, f Fleet) error {
	d := dynsec{
		Default: map[string]bool{"publishClientSend": false, "publishClientReceive": false, "subscribe": false, "unsubscribe": true},
		Clients: []dynsecClient{}, Roles: []dynsecRole{},
	}
	for _, u := range f.Users {
		d.Clients = append(d.Clients, dynsecClient{Username: u.Login, Roles: []dynsecRoleRef{{u.Login}}})
		role := dynsecRole{Name: u.Login, ACLs: []dynsecACL{}}
		for _, g := range grants(u.Role, f.of(u)) {
			role.ACLs = append(role.ACLs, g.dynsec()...)
		}
		d.Roles = append(d.Roles, role)
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "\t")
	return out.Encode(d)
}

func (g grant) dynsec() []dynsecACL {
	var acls []dynsecACL
	if g.publish {
		acls = append(acls, dynsecACL{"publishClientSend", g.filter, true})
	}
	if !g.subscribe {
		return acls
	}
	kind := "subscribeLiteral"
	if strings.Contains(g.filter, "+") {
		kind = "subscribePattern"
	}
	acls = append(acls, dynsecACL{kind, g.filter, true}, dynsecACL{"publishClientReceive", g.filter, true})
	if g.shared {
		acls = append(acls, dynsecACL{"subscribePattern", "$share/+/" + g.filter, true})
	}
	return acls
}
