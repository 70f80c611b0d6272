// Package rights tells other brokers than the embedded one who may do what: the table of [topics.Access] as the files that
// Mosquitto, EMQX, HiveMQ and RabbitMQ read.
//
// What a file lets somebody do is never more than [topics.Root.MayPublish] and [topics.Root.MaySubscribe] do, but for what its
// broker has no word for; each format says what that is.
package rights

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"muster/topics"
)

// A User is who a broker knows by a user name: the common name of a certificate, or what came with a password.
type User struct {
	Login string
	topics.Subject
}

// A Fleet is who there is.
type Fleet struct {
	Root  topics.Root
	Users []User
}

// A Format is a broker's way to be told.
type Format struct {
	// Name is what the format is chosen by.
	Name string
	// Title says which broker's and which file it is.
	Title string
	write func(io.Writer, Fleet) error
}

// Formats are all of them.
func Formats() []Format {
	return []Format{
		{"mosquitto", "Mosquitto's acl_file", writeMosquitto},
		{"mosquitto-dynsec", "the config file of Mosquitto's dynamic security plugin", writeDynsec},
		{"emqx", "EMQX's acl.conf", writeEMQX},
		{"hivemq", "credentials.xml of HiveMQ's File RBAC extension", writeHiveMQ},
		{"rabbitmq", "RabbitMQ's definitions", writeRabbitMQ},
	}
}

// Write writes the format called name. Nothing has been written when it fails for another reason than w.
func Write(w io.Writer, name string, f Fleet) error {
	formats := Formats()
	i := slices.IndexFunc(formats, func(f Format) bool { return f.Name == name })
	if i < 0 {
		var names []string
		for _, f := range formats {
			names = append(names, f.Name)
		}
		return fmt.Errorf("must be one of %q, is %.40q", names, name)
	}
	if err := f.check(); err != nil {
		return err
	}
	return formats[i].write(w, f)
}

// logins are user names of others than devices. They are made of characters that no file has to quote, and one of them at
// least is in no device's name: what a pattern gives to "the device of the user's name" gives them nothing.
var logins = regexp.MustCompile(`^[A-Za-z0-9_-]*[.:@][A-Za-z0-9_.:@-]*$`)

// maxLogin is the longest user name in characters.
const maxLogin = 128

func (f Fleet) check() error {
	if _, err := topics.ParseRoot(string(f.Root)); err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, u := range f.Users {
		if seen[u.Login] {
			return fmt.Errorf("user %q: is there twice", u.Login)
		}
		seen[u.Login] = true
		if err := u.Check(); err != nil {
			return fmt.Errorf("user %.140q: %w", u.Login, err)
		}
	}
	return nil
}

// Check reports why a user cannot be written into a file.
func (u User) Check() error {
	switch u.Role {
	case topics.RoleDevice:
		if u.Login != u.Name {
			return fmt.Errorf("is the device %q, and must be called that", u.Name)
		}
		if err := topics.CheckName(u.Name); err != nil {
			return err
		}
		return topics.CheckName(u.Group)
	case topics.RoleManager, topics.RoleViewer, topics.RoleBridge, topics.RoleEnrolling:
	default:
		return fmt.Errorf("role: a broker's user cannot be %q", u.Role)
	}
	if len(u.Login) > maxLogin || !logins.MatchString(u.Login) {
		return fmt.Errorf("must be of A-Z, a-z, 0-9, _, -, ., : and @, at most %d, with one of the last three, which no device's name has", maxLogin)
	}
	if u.Role == topics.RoleBridge || u.Role == topics.RoleEnrolling {
		return topics.CheckName(u.Name)
	}
	return nil
}

// A grant is what a user may do with the topics of a filter.
type grant struct {
	filter             string
	publish, subscribe bool
	// shared says that subscriptions may be shared.
	shared bool
}

var table = topics.Access()

// grants are a role's, each filter made by of from the kind and scope.
func grants(role topics.Role, of func(topics.Kind, topics.Scope) string) []grant {
	var all []grant
	for _, rule := range table {
		if rule.Role != role {
			continue
		}
		add := func(scope topics.Scope, g grant) {
			if scope != "" {
				g.filter = of(rule.Kind, scope)
				all = append(all, g)
			}
		}
		shared := rule.Subscribe == topics.Any && (role == topics.RoleManager || role == topics.RoleBridge)
		if rule.Publish == rule.Subscribe {
			add(rule.Publish, grant{publish: true, subscribe: true, shared: shared})
			continue
		}
		add(rule.Publish, grant{publish: true})
		add(rule.Subscribe, grant{subscribe: true, shared: shared})
	}
	return all
}

// of is the filter of the user's topics of a kind.
func (f Fleet) of(u User) func(topics.Kind, topics.Scope) string {
	return func(kind topics.Kind, scope topics.Scope) string {
		switch scope {
		case topics.Own:
			return f.Root.Topic(kind, u.Name)
		case topics.OwnGroup:
			return f.Root.Topic(kind, u.Group)
		}
		return f.Root.Filter(kind)
	}
}

// own is a filter of the topics of whoever has the name that the broker puts in the place of mark. A device's own group is
// not among them: it is empty.
func (f Fleet) own(mark string) func(topics.Kind, topics.Scope) string {
	return func(kind topics.Kind, scope topics.Scope) string {
		switch scope {
		case topics.Own:
			return strings.Replace(f.Root.Filter(kind), "+", mark, 1)
		case topics.OwnGroup:
			return ""
		}
		return f.Root.Filter(kind)
	}
}

// split are the filters to publish to and to subscribe to.
func split(all []grant) (publish, subscribe []string) {
	for _, g := range all {
		if g.filter == "" {
			continue
		}
		if g.publish {
			publish = append(publish, g.filter)
		}
		if g.subscribe {
			subscribe = append(subscribe, g.filter)
		}
	}
	return publish, subscribe
}
