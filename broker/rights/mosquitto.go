package rights

import (
	"bufio"
	"fmt"
	"io"

	"muster/topics"
)

// writeMosquitto writes an access control list, mosquitto.conf(5). Devices are told apart by user name alone ("%u"): Mosquitto lets
// a client choose its client id. A device that the list does not name may do all but follow a group.
//
// With such a list Mosquitto refuses no subscription: it looks at each message that is to be delivered. So it cannot refuse shared
// subscriptions either, by which a device takes messages from managers that it is not shown itself.
func writeMosquitto(w io.Writer, f Fleet) error {
	out := bufio.NewWriter(w)
	_, _ = fmt.Fprintf(out, "# What each user of this broker may do with the topics below %s. Made by \"muster acl mosquitto\".\n", f.Root)
	_, _ = fmt.Fprintf(out, "\n# Devices: %%u is the name in the certificate.\n")
	for _, g := range grants(topics.RoleDevice, f.own("%u")) {
		if g.filter != "" {
			_, _ = fmt.Fprintf(out, "pattern %s %s\n", g.access(), g.filter)
		}
	}
	for _, u := range f.Users {
		_, _ = fmt.Fprintf(out, "\nuser %s\n", u.Login)
		for _, g := range grants(u.Role, f.of(u)) {
			if u.Role == topics.RoleDevice && g.filter != f.group(u) {
				continue // the patterns have it
			}
			_, _ = fmt.Fprintf(out, "topic %s %s\n", g.access(), g.filter)
		}
	}
	return out.Flush()
}

// group is the topic of what a device follows.
func (f Fleet) group(u User) string { return f.of(u)(topics.GroupConfig, topics.OwnGroup) }

func (g grant) access() string {
	switch {
	case g.publish && g.subscribe:
		return "readwrite"
	case g.publish:
		return "write"
	}
	return "read"
}
