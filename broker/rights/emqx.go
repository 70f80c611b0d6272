package rights

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"muster/topics"
)

// deviceNames is a regular expression of the names that devices have, to its very end: "$" would let a line feed follow.
const deviceNames = `^[A-Za-z0-9_-]{1,64}\\z`

// writeEMQX writes rules for EMQX's file source, the first that matches deciding. What a device may follow needs a rule for
// each; EMQX goes through them one by one, so that a fleet of thousands is better off with its HTTP source.
//
// EMQX judges subscriptions and not deliveries, so that viewers have to subscribe to the filters that are named here. It
// does not tell a shared subscription from another.
func writeEMQX(w io.Writer, f Fleet) error {
	out := bufio.NewWriter(w)
	rule := func(who, action string, filters []string) {
		if len(filters) > 0 {
			_, _ = fmt.Fprintf(out, "{allow, %s, %s, [\"%s\"]}.\n", who, action, strings.Join(filters, `", "`))
		}
	}
	rules := func(who string, all []grant) {
		publish, subscribe := split(all)
		rule(who, "publish", publish)
		rule(who, "subscribe", subscribe)
	}
	_, _ = fmt.Fprintf(out, "%%%% What each user of this broker may do with the topics below %s. Made by \"muster acl emqx\".\n", f.Root)
	_, _ = fmt.Fprint(out, "\n%% Devices, by their user names.\n")
	rules(`{username, {re, "`+deviceNames+`"}}`, grants(topics.RoleDevice, f.own("${username}")))
	_, _ = fmt.Fprint(out, "\n%% Enrollment: the user name is the token's, the client id the name that is asked for.\n")
	rules(`{'and', [{username, {re, "^enroll:"}}, {clientid, {re, "`+deviceNames+`"}}]}`, grants(topics.RoleEnrolling, f.own("${clientid}")))
	_, _ = fmt.Fprint(out, "\n%% Everybody by name.\n")
	for _, u := range f.Users {
		who := fmt.Sprintf(`{username, "%s"}`, u.Login)
		switch u.Role {
		case topics.RoleEnrolling: // has its rules above
		case topics.RoleDevice:
			rule(who, "subscribe", []string{f.group(u)})
		default:
			rules(who, grants(u.Role, f.of(u)))
		}
	}
	_, _ = fmt.Fprint(out, "\n{deny, all}.\n")
	return out.Flush()
}
