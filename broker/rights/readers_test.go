package rights

import (
	"bufio"
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"muster/topics"
)

// covers reports whether all that matches the filter matches the pattern as well.
func covers(pattern, filter string) bool {
	want, have := strings.Split(pattern, "/"), strings.Split(filter, "/")
	if strings.HasPrefix(filter, "$") != strings.HasPrefix(pattern, "$") {
		return false
	}
	for i, level := range want {
		if level == "#" {
			return true
		}
		if i >= len(have) || have[i] == "#" || level != "+" && level != have[i] {
			return false
		}
	}
	return len(want) == len(have)
}

// mosquitto is an acl_file, by mosquitto.conf(5): lines of a user, and patterns for all.
type mosquitto struct {
	patterns []mosquittoLine
	users    map[string][]mosquittoLine
}

type mosquittoLine struct{ access, filter string }

func readMosquitto(t *testing.T, file []byte) broker {
	m := mosquitto{users: map[string][]mosquittoLine{}}
	current := ""
	for in := bufio.NewScanner(bytes.NewReader(file)); in.Scan(); {
		line := in.Text()
		word, rest, _ := strings.Cut(line, " ")
		access, filter, _ := strings.Cut(rest, " ")
		switch {
		case line == "" || line[0] == '#':
		case word == "user":
			current = rest
		case word == "topic" && current != "" && slices.Contains([]string{"read", "write", "readwrite"}, access):
			m.users[current] = append(m.users[current], mosquittoLine{access, filter})
		case word == "pattern" && slices.Contains([]string{"read", "write", "readwrite"}, access):
			m.patterns = append(m.patterns, mosquittoLine{access, filter})
		default:
			t.Errorf("a line that Mosquitto has no use for: %q", line)
		}
	}
	return m
}

func (m mosquitto) may(access, login, client, topic string) bool {
	for _, line := range m.users[login] {
		if strings.Contains(line.access, access) && topics.Match(line.filter, topic) {
			return true
		}
	}
	for _, line := range m.patterns {
		if strings.Contains(line.filter, "%u") && (login == "" || strings.ContainsAny(login, "+#")) || strings.ContainsAny(client, "+#") {
			continue
		}
		if strings.Contains(line.access, access) && topics.Match(strings.NewReplacer("%u", login, "%c", client).Replace(line.filter), topic) {
			return true
		}
	}
	return false
}

func (m mosquitto) mayPublish(login, client, topic string) bool {
	return m.may("write", login, client, topic)
}

// maySubscribe is whether what matches is delivered.
func (m mosquitto) maySubscribe(login, client, filter string) bool {
	if _, inner, err := topics.SplitShared(filter); err == nil {
		filter = inner
	}
	return m.may("read", login, client, filter)
}

// dynsecBroker is the dynamic security plugin of Mosquitto 2.0: no substitution, and default access for the rest.
type dynsecBroker struct{ roles map[string][]dynsecACL }

func readDynsec(t *testing.T, file []byte) broker {
	var d dynsec
	if err := json.Unmarshal(file, &d); err != nil {
		t.Fatal(err)
	}
	for access, allowed := range d.Default {
		if allowed && access != "unsubscribe" {
			t.Errorf("by default, %s is allowed", access)
		}
	}
	b := dynsecBroker{roles: map[string][]dynsecACL{}}
	for _, c := range d.Clients {
		for _, role := range d.Roles {
			if role.Name == c.Roles[0].Name {
				b.roles[c.Username] = role.ACLs
			}
		}
	}
	return b
}

func (b dynsecBroker) mayPublish(login, _, topic string) bool {
	return slices.ContainsFunc(b.roles[login], func(a dynsecACL) bool { return a.Type == "publishClientSend" && topics.Match(a.Topic, topic) })
}

// maySubscribe is whether the subscription is taken, and whether what matches is delivered.
func (b dynsecBroker) maySubscribe(login, _, filter string) bool {
	_, inner, err := topics.SplitShared(filter)
	return err == nil && slices.ContainsFunc(b.roles[login], func(a dynsecACL) bool {
		return a.Type == "subscribeLiteral" && a.Topic == filter || a.Type == "subscribePattern" && covers(a.Topic, filter)
	}) && slices.ContainsFunc(b.roles[login], func(a dynsecACL) bool { return a.Type == "publishClientReceive" && covers(a.Topic, inner) })
}

// emqx is an acl.conf: the first rule that matches decides, by emqx_authz_rule.
type emqx []emqxRule

type emqxRule struct {
	who, action      string
	username, client *regexp.Regexp
	topics           []string
}

var (
	emqxLine = regexp.MustCompile(`^\{allow, (.*), (publish|subscribe), \["(.*)"\]\}\.$`)
	emqxUser = regexp.MustCompile(`\{username, (?:"([^"]*)"|\{re, "([^"]*)"\})\}`)
	emqxID   = regexp.MustCompile(`\{clientid, \{re, "([^"]*)"\}\}`)
)

// erlang is an expression in a string of Erlang's, where "$" also stands before a line feed at the very end.
func erlang(text string) *regexp.Regexp {
	return regexp.MustCompile(strings.NewReplacer(`\\`, `\`, `$`, `\n?\z`).Replace(text))
}

func readEMQX(t *testing.T, file []byte) broker {
	var rules emqx
	lines := strings.Split(strings.TrimSpace(string(file)), "\n")
	if lines[len(lines)-1] != "{deny, all}." {
		t.Errorf("the last rule is %q", lines[len(lines)-1])
	}
	for _, line := range lines[:len(lines)-1] {
		if line == "" || strings.HasPrefix(line, "%%") {
			continue
		}
		parts := emqxLine.FindStringSubmatch(line)
		if parts == nil {
			t.Fatalf("a line that is no rule: %q", line)
		}
		rule := emqxRule{who: parts[1], action: parts[2], topics: strings.Split(parts[3], `", "`)}
		user := emqxUser.FindStringSubmatch(rule.who)
		switch {
		case user == nil:
			t.Fatalf("a rule for everybody: %q", line)
		case user[2] != "":
			rule.username = erlang(user[2])
		default:
			rule.username = regexp.MustCompile(`\A` + regexp.QuoteMeta(user[1]) + `\z`)
		}
		if id := emqxID.FindStringSubmatch(rule.who); id != nil {
			rule.client = erlang(id[1])
		}
		rules = append(rules, rule)
	}
	return rules
}

func (e emqx) may(action, login, client, filter string) bool {
	// It takes the share's name off before it asks.
	if _, inner, err := topics.SplitShared(filter); err == nil {
		filter = inner
	}
	for _, rule := range e {
		if rule.action != action || !rule.username.MatchString(login) || rule.client != nil && !rule.client.MatchString(client) {
			continue
		}
		for _, topic := range rule.topics {
			if covers(strings.NewReplacer("${username}", login, "${clientid}", client).Replace(topic), filter) {
				return true
			}
		}
	}
	return false
}

func (e emqx) mayPublish(login, client, topic string) bool {
	return e.may("publish", login, client, topic)
}
func (e emqx) maySubscribe(login, client, filter string) bool {
	return e.may("subscribe", login, client, filter)
}
