package rights

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"

	"muster/topics"
)

type (
	hivemq struct {
		XMLName xml.Name     `xml:"file-rbac"`
		Comment xml.Comment  `xml:",comment"`
		Users   []hivemqUser `xml:"users>user"`
		Roles   []hivemqRole `xml:"roles>role"`
	}
	hivemqUser struct {
		Name     string   `xml:"name"`
		Password string   `xml:"password"`
		Roles    []string `xml:"roles>id"`
	}
	hivemqRole struct {
		ID          string             `xml:"id"`
		Permissions []hivemqPermission `xml:"permissions>permission"`
	}
	hivemqPermission struct {
		Topic    string `xml:"topic"`
		Activity string `xml:"activity"`
		Shared   string `xml:"shared-subscription"`
	}
)

// noHash stands where the extension wants the hash of a password, and is none: until it is replaced, the extension takes
// the file for invalid, and lets nobody in.
const noHash = "replace-me"

// writeHiveMQ writes users and roles for the File RBAC extension, which knows users with passwords and no certificates. Viewers have
// to subscribe to the filters that are named here.
func writeHiveMQ(w io.Writer, f Fleet) error {
	h := hivemq{Comment: xml.Comment(fmt.Sprintf(
		" What each user of this broker may do with the topics below %s. Made by \"muster acl hivemq\".\n"+
			"     For each %q put what the extension makes of the password: java -jar hivemq-file-rbac-extension-VERSION.jar -p PASSWORD ", f.Root, noHash))}
	const device = "device"
	h.add(device, grants(topics.RoleDevice, f.own("${{username}}")))
	for _, u := range f.Users {
		user := hivemqUser{Name: u.Login, Password: noHash}
		if u.Role == topics.RoleDevice {
			// No device_group's name has a dot: no role has that of another.
			group := "device_group." + u.Group
			h.add(group, []grant{{filter: f.group(u), subscribe: true}})
			user.Roles = []string{device, group}
		} else {
			h.add(u.Login, grants(u.Role, f.of(u)))
			user.Roles = []string{u.Login}
		}
		h.Users = append(h.Users, user)
	}
	_, err := io.WriteString(w, xml.Header)
	if err != nil {
		return err
	}
	out := xml.NewEncoder(w)
	out.Indent("", "    ")
	if err := out.Encode(h); err != nil {
		return err
	}
	_, err = io.WriteString(w, "\n")
	return err
}

// add adds a role, when there is none of that ID.
func (h *hivemq) add(id string, all []grant) {
	if slices.ContainsFunc(h.Roles, func(r hivemqRole) bool { return r.ID == id }) {
		return
	}
	role := hivemqRole{ID: id}
	for _, g := range all {
		if g.filter == "" {
			continue
		}
		p := hivemqPermission{Topic: g.filter, Activity: "SUBSCRIBE", Shared: "NOT_SHARED"}
		if g.publish {
			p.Activity = "PUBLISH"
		}
		if g.publish && g.subscribe {
			p.Activity = "ALL"
		}
		if g.shared {
			p.Shared = "ALL"
		}
		role.Permissions = append(role.Permissions, p)
	}
	h.Roles = append(h.Roles, role)
}
