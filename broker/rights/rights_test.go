package rights

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"muster/topics"
)

const root = topics.DefaultRoot

func user(login string, role topics.Role, name, group string) User {
	return User{Login: login, Subject: topics.Subject{Role: role, Name: name, Group: group}}
}

// some is a fleet with two users of each role, and names that are each other's beginning.
func some() Fleet {
	return Fleet{Root: root, Users: []User{
		user("till-1", topics.RoleDevice, "till-1", "shops"), user("till-11", topics.RoleDevice, "till-11", "bars"),
		user("manager.a", topics.RoleManager, "a", ""), user("manager.till-1", topics.RoleManager, "till-1", ""),
		user("bridge.b1", topics.RoleBridge, "b1", ""), user("bridge.till-1", topics.RoleBridge, "till-1", ""),
		user("viewer.ann", topics.RoleViewer, "ann", ""), user("viewer.till-1", topics.RoleViewer, "till-1", ""),
		user("enroll:AAAA", topics.RoleEnrolling, "till-9", ""), user("enroll:BBBB", topics.RoleEnrolling, "till-1", ""),
	}}
}

// A broker is what a format's reader makes of it. The client id is that of a client that may choose it.
type broker interface {
	mayPublish(login, client, topic string) bool
	maySubscribe(login, client, filter string) bool
}

// readers interpret the formats as their brokers do, each from the broker's documentation.
var readers = map[string]func(*testing.T, []byte) broker{
	"mosquitto": readMosquitto, "mosquitto-dynsec": readDynsec, "emqx": readEMQX, "hivemq": readHiveMQ, "rabbitmq": readRabbitMQ,
}

// each calls f with each format as its broker understands it.
func each(t *testing.T, f func(t *testing.T, b broker)) {
	for _, format := range Formats() {
		t.Run(format.Name, func(t *testing.T) {
			var file bytes.Buffer
			if err := Write(&file, format.Name, some()); err != nil {
				t.Fatal(err)
			}
			f(t, readers[format.Name](t, file.Bytes()))
		})
	}
}

// every is the topic of each kind with each of the names.
func every(names ...string) (all []string) {
	kinds := map[topics.Kind]bool{}
	for _, rule := range topics.Access() {
		if kinds[rule.Kind] {
			continue
		}
		kinds[rule.Kind] = true
		for _, name := range names {
			all = append(all, strings.Replace(root.Filter(rule.Kind), "+", name, 1))
		}
	}
	return all
}

var (
	names = []string{"till-1", "till-11", "till-9", "till-2", "shops", "bars", "a", "b1", "ann", "x"}
	// strangers are topics that are nobody's.
	strangers = []string{
		"muster/v1", "muster/v1/", "muster/v1/x", "muster/v1/devices/till-1", "muster/v1/devices/till-1/checkin/x",
		"muster/v1/devices/till-1/", "other/v1/devices/till-1/checkin", "muster/v2/summary", "/muster/v1/summary", "muster.v1.summary", "$SYS/broker/uptime", "$CONTROL/dynamic-security/v1",
	}
)

// clientOf is the client id of a user: it is free to choose but where the rights depend on it.
func clientOf(u User) string {
	if u.Role == topics.RoleEnrolling || u.Role == topics.RoleDevice {
		return u.Name
	}
	return "some-client"
}

// Who may publish what, wills included, is the same by the file and by the table: nothing less, nothing more.
func TestPublishing(t *testing.T) {
	each(t, func(t *testing.T, b broker) {
		allowed := 0
		for _, u := range some().Users {
			for _, topic := range append(every(names...), strangers...) {
				want := root.MayPublish(u.Subject, topic)
				if want {
					allowed++
				}
				if got := b.mayPublish(u.Login, clientOf(u), topic); got != want {
					t.Errorf("%s may publish to %s: the file says %v, the table %v", u.Login, topic, got, want)
				}
			}
		}
		if allowed < 100 {
			t.Errorf("only %d may be published: too few to tell anything", allowed)
		}
	})
}

// The same of subscriptions to one topic.
func TestSubscribing(t *testing.T) {
	each(t, func(t *testing.T, b broker) {
		allowed := 0
		for _, u := range some().Users {
			for _, topic := range append(every(names...), strangers...) {
				want := root.MaySubscribe(u.Subject, topic)
				if want {
					allowed++
				}
				if got := b.maySubscribe(u.Login, clientOf(u), topic); got != want {
					t.Errorf("%s may subscribe to %s: the file says %v, the table %v", u.Login, topic, got, want)
				}
			}
		}
		if allowed < 200 {
			t.Errorf("only %d may be subscribed to: too few to tell anything", allowed)
		}
	})
}

// Wildcards give nobody more than the table. Managers and bridges may use those of a kind, also shared: that is what they do.
func TestWildcards(t *testing.T) {
	ofKinds := every("+")
	for _, filter := range every("+", "till-1", "shops") {
		ofKinds = append(ofKinds, "$share/x/"+filter)
	}
	others := []string{
		"#", "+/#", "+/+", "+/v1/summary", "muster/#", "muster/v1/#", "muster/v1/+", "muster/v1/+/+/config", "muster/v1/devices/#", "muster/v1/devices/till-1/#",
		"muster/v1/devices/till-1/+", "muster/v1/groups/#", "muster/v1/enroll/#", "muster/v1/enroll/till-1/+", "$SYS/#", "$CONTROL/#", "$share/x/$SYS/#", "$share/x/#",
	}
	each(t, func(t *testing.T, b broker) {
		for _, u := range some().Users {
			for _, filter := range append(ofKinds, others...) {
				may, table := b.maySubscribe(u.Login, clientOf(u), filter), root.MaySubscribe(u.Subject, filter)
				if may && !table && !unlike(b, u, filter) {
					t.Errorf("%s may subscribe to %s, which the table refuses", u.Login, filter)
				}
				program := u.Role == topics.RoleManager || u.Role == topics.RoleBridge
				if table && !may && program && slices.Contains(ofKinds, filter) {
					t.Errorf("%s may not subscribe to %s, which the table grants", u.Login, filter)
				}
			}
		}
	})
}

// unlike reports whether a broker has no word for what the table refuses.
func unlike(b broker, u User, filter string) bool {
	switch b.(type) {
	case mosquitto:
		// It takes every subscription, and looks at what it delivers: each topic is held to the table by TestSubscribing.
		return true
	case emqx, rabbitmqBroker:
		// They do not tell shared subscriptions from others: one to what the user may have anyway is not refused.
		share, shared := strings.CutPrefix(filter, "$share/x/")
		return shared && b.maySubscribe(u.Login, clientOf(u), share)
	}
	return false
}

// Who chooses another client id than the name that goes with the user name has no other rights by it.
func TestClientIDsGiveNothing(t *testing.T) {
	each(t, func(t *testing.T, b broker) {
		for _, u := range some().Users {
			for _, client := range []string{"till-1", "till-11", "till-9", "+", "#", ".*", "", "manager.a"} {
				s := u.Subject
				if _, is := b.(emqx); is && u.Role == topics.RoleEnrolling {
					s.Name = client // a token is for whatever name comes with it
				}
				for _, topic := range every("till-1", "till-11", "till-9", "shops", "x") {
					if b.mayPublish(u.Login, client, topic) && !root.MayPublish(s, topic) {
						t.Errorf("%s as client %q may publish to %s", u.Login, client, topic)
					}
					if b.maySubscribe(u.Login, client, topic) && !root.MaySubscribe(s, topic) {
						t.Errorf("%s as client %q may subscribe to %s", u.Login, client, topic)
					}
				}
			}
		}
	})
}

// A device's queue in RabbitMQ is of its client id: with another one it could take what waits for another device.
func TestQueuesOfOthers(t *testing.T) {
	each(t, func(t *testing.T, b broker) {
		r, is := b.(rabbitmqBroker)
		if !is {
			return
		}
		filter := root.Topic(topics.DeviceReply, "till-1")
		if !r.maySubscribe("till-1", "till-1", filter) {
			t.Error("a device may not use its own queue")
		}
		for _, client := range []string{"till-11", "till-9", "x-till-1", ""} {
			if r.maySubscribe("till-1", client, filter) {
				t.Errorf("till-1 may use the queue of the client %q", client)
			}
		}
	})
}

// EMQX's regular expressions let a line feed follow "$": a name with one is no device's.
func TestNameWithALineFeed(t *testing.T) {
	each(t, func(t *testing.T, b broker) {
		e, is := b.(emqx)
		const name = "till-1\n"
		for _, login := range []string{name, "enroll:x"} {
			for _, topic := range every(name) {
				if is && e.mayPublish(login, name, topic) {
					t.Errorf("%q as client %q may publish to %q", login, name, topic)
				}
			}
		}
	})
}

// Whom the file does not name has no rights, but that a device that has just been enrolled may already have its own topics.
func TestStrangersHaveNoRights(t *testing.T) {
	each(t, func(t *testing.T, b broker) {
		for _, login := range []string{"", "manager.b", "enroll.x", "root", "till-2", "admin", "+", "#", "till-1\n", "till-1/x"} {
			s := topics.Subject{Role: topics.RoleDevice, Name: login}
			for _, topic := range every(names...) {
				if b.mayPublish(login, "till-1", topic) && !root.MayPublish(s, topic) {
					t.Errorf("%q may publish to %s", login, topic)
				}
				if b.maySubscribe(login, "till-1", topic) && !root.MaySubscribe(s, topic) {
					t.Errorf("%q may subscribe to %s", login, topic)
				}
			}
		}
	})
}

func TestWhatCannotBeWritten(t *testing.T) {
	for want, f := range map[string]Fleet{
		"topic root":        {Root: "a b"},
		"is there twice":    {Root: root, Users: []User{user("d", topics.RoleDevice, "d", "g"), user("d", topics.RoleDevice, "d", "h")}},
		"letters, digits":   {Root: root, Users: []User{user("d", topics.RoleDevice, "d", topics.AnyGroup)}},
		"must be called":    {Root: root, Users: []User{user("e", topics.RoleDevice, "d", "g")}},
		"has 0":             {Root: root, Users: []User{user("d", topics.RoleDevice, "d", "")}},
		"may only contain":  {Root: root, Users: []User{user("d+", topics.RoleDevice, "d+", "g")}},
		"no device's name":  {Root: root, Users: []User{user("manager", topics.RoleManager, "m", "")}},
		"must be of A-Z":    {Root: root, Users: []User{user(`x."}`, topics.RoleViewer, "m", "")}},
		"at most 128":       {Root: root, Users: []User{user(strings.Repeat("x.", 65), topics.RoleViewer, "m", "")}},
		`cannot be "local"`: {Root: root, Users: []User{user("x.y", topics.RoleLocal, "", "")}},
		"has 0 ":            {Root: root, Users: []User{user("bridge.", topics.RoleBridge, "", "")}},
	} {
		for _, format := range Formats() {
			var out bytes.Buffer
			if err := Write(&out, format.Name, f); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) || out.Len() > 0 {
				t.Errorf("%s: got %v and %d bytes, want %q", format.Name, err, out.Len(), want)
			}
		}
	}
	if err := Write(new(bytes.Buffer), "vernemq", some()); err == nil || !strings.Contains(err.Error(), `"rabbitmq"`) {
		t.Errorf("an unknown format: %v", err)
	}
}

// The files of ten thousand devices are of a size to be handled.
func BenchmarkWrite(b *testing.B) {
	f := Fleet{Root: root, Users: some().Users[3:]}
	for i := range 10_000 {
		name := fmt.Sprint("device-", i)
		f.Users = append(f.Users, user(name, topics.RoleDevice, name, "shops"))
	}
	for _, format := range Formats() {
		b.Run(format.Name, func(b *testing.B) {
			var size int
			for b.Loop() {
				var out bytes.Buffer
				if err := Write(&out, format.Name, f); err != nil {
					b.Fatal(err)
				}
				size = out.Len()
			}
			b.ReportMetric(float64(size)/10_000, "B/device")
		})
	}
}
