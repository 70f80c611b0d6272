package protocol

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"muster/topics"
)

// constants are the values of a type's constants in the package topics, read from its source so that none is forgotten.
func constants(t *testing.T, file, typ string) (values []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), "../../topics/"+file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, is := n.(*ast.ValueSpec)
		if !is {
			return true
		}
		if name, is := spec.Type.(*ast.Ident); is && name.Name == typ {
			for _, value := range spec.Values {
				if literal, is := value.(*ast.BasicLit); is {
					s, err := strconv.Unquote(literal.Value)
					if err != nil {
						t.Fatal(err)
					}
					values = append(values, s)
				}
			}
		}
		return true
	})
	if len(values) < 3 {
		t.Fatalf("topics/%s has %d constants of type %s", file, len(values), typ)
	}
	return values
}

// There is a channel for each kind of topic, with its address, and no other.
func TestChannelsAreTheKinds(t *testing.T) {
	d := readDocument(t)
	want := constants(t, "topic.go", "Kind")
	var got []string
	for name, c := range d.Channels {
		got = append(got, c.Kind)
		if address := c.address("NAME"); address != c.topic("NAME") {
			t.Errorf("%s: the address is %q, the topic %q", name, address, c.topic("NAME"))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("channels are of the kinds %q, want %q", got, want)
	}
}

// address is the channel's address for that name.
func (c channel) address(name string) string {
	before, rest, named := strings.Cut(c.Address, "{")
	if !named {
		return c.Address
	}
	_, after, _ := strings.Cut(rest, "}")
	return before + name + after
}

// topic is what the package topics makes of the channel's kind and that name.
func (c channel) topic(name string) string {
	if c.Kind == string(topics.FleetSummary) {
		name = ""
	}
	return topics.DefaultRoot.Topic(topics.Kind(c.Kind), name)
}

// Who may publish and subscribe what is as the package topics decides it, which the embedded broker goes by.
func TestRoles(t *testing.T) {
	d := readDocument(t)
	roles := constants(t, "access.go", "Role")
	for name, c := range d.Channels {
		for _, role := range roles {
			published, subscribed := slices.Contains(c.Publishers, role), slices.Contains(c.Subscribers, role)
			role := topics.Role(role)
			device := role == topics.RoleDevice || role == topics.RoleEnrolling || role == topics.RoleRenewing
			s := topics.Subject{Role: role, Name: "me", Group: "me"}
			if may := topics.DefaultRoot.MayPublish(s, c.topic("me")); may != published {
				t.Errorf("%s: x-publishers %v, but MayPublish(%s) is %v", name, c.Publishers, role, may)
			}
			others := published && !device && role != topics.RoleBridge
			if may := topics.DefaultRoot.MayPublish(s, c.topic("other")); may != others {
				t.Errorf("%s: MayPublish(%s) to another's topic is %v", name, role, may)
			}
			if may := topics.DefaultRoot.MaySubscribe(s, c.topic("me")); may != subscribed {
				t.Errorf("%s: x-subscribers %v, but MaySubscribe(%s) is %v", name, c.Subscribers, role, may)
			}
			others = subscribed && !device && (role != topics.RoleBridge || c.Kind != string(topics.BridgeStatus))
			if may := topics.DefaultRoot.MaySubscribe(s, c.topic("other")); may != others {
				t.Errorf("%s: MaySubscribe(%s) to another's topic is %v", name, role, may)
			}
		}
		for _, role := range slices.Concat(c.Publishers, c.Subscribers) {
			if !slices.Contains(roles, role) {
				t.Errorf("%s: %q is no role", name, role)
			}
		}
	}
}

// The operations are a device's: it may do each of them, each as the channel says, and it may do nothing else.
func TestOperationsAreADevices(t *testing.T) {
	d := readDocument(t)
	sends, receives := map[string]bool{}, map[string]bool{}
	for name, o := range d.Operations {
		c, there := d.Channels[o.Channel.name()]
		if !there {
			t.Fatalf("%s: no channel %q", name, o.Channel.Ref)
		}
		if reply := o.Reply.Channel.name(); reply != "" {
			receives[reply] = true
		}
		if o.Action == "send" {
			sends[o.Channel.name()] = true
		} else {
			receives[o.Channel.name()] = true
		}
		if o.Bindings.MQTT.QoS != c.QoS || o.Bindings.MQTT.Retain != c.Retained {
			t.Errorf("%s: %+v, want QoS %d and retain %v as in its channel", name, o.Bindings.MQTT, c.QoS, c.Retained)
		}
	}
	for name, c := range d.Channels {
		if may := slices.ContainsFunc(c.Publishers, aDevices); may != sends[name] {
			t.Errorf("%s: a device may send it is %v, an operation does is %v", name, may, sends[name])
		}
		if may := slices.ContainsFunc(c.Subscribers, aDevices); may != receives[name] {
			t.Errorf("%s: a device may receive it is %v, an operation does is %v", name, may, receives[name])
		}
	}
}

// aDevices reports whether a device has the role, at some time of its life.
func aDevices(role string) bool { return role == "device" || role == "enrolling" || role == "renewing" }
