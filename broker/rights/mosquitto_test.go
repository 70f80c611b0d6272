package rights

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/eclipse/paho.golang/packets"

	"muster/topics"
)

// withEverything adds the user that may do everything to a config file of the plugin.
func withEverything(t *testing.T, file []byte) []byte {
	t.Helper()
	var d dynsec
	if err := json.Unmarshal(file, &d); err != nil {
		t.Fatal(err)
	}
	d.Clients = append(d.Clients, dynsecClient{Username: everything, Roles: []dynsecRoleRef{{everything}}})
	d.Roles = append(d.Roles, dynsecRole{Name: everything, ACLs: grant{filter: "#", publish: true, subscribe: true}.dynsec()})
	for i := range d.Roles[len(d.Roles)-1].ACLs {
		if acl := &d.Roles[len(d.Roles)-1].ACLs[i]; acl.Type == "subscribeLiteral" {
			acl.Type = "subscribePattern"
		}
	}
	file, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// onMosquitto calls f with a real Mosquitto for each of its two formats.
func onMosquitto(t *testing.T, f func(t *testing.T, format string, r *real)) {
	for _, format := range []string{"mosquitto", "mosquitto-dynsec"} {
		t.Run(format, func(t *testing.T) { f(t, format, newReal(t, format, "till-66")) })
	}
}

// tried are topics of each kind: own ones, those of another whose name begins alike, and nobody's.
func tried() []string {
	return append(every("till-1", "till-11", "till-9", "shops", "b1"), "muster/v1/x", "other/v1/devices/till-1/checkin", "muster/v1/devices/till-1/checkin/x")
}

// Each user publishes to each topic. What arrives is what the table allows, and the others are told.
func TestMosquittoPublishing(t *testing.T) {
	onMosquitto(t, func(t *testing.T, _ string, r *real) {
		observer := r.as(everything)
		if code := observer.subscribe("#"); code > 1 {
			t.Fatalf("SUBACK %#x", code)
		}
		for _, u := range some().Users {
			l := r.as(u.Login)
			want := map[string]bool{}
			for _, topic := range tried() {
				may := root.MayPublish(u.Subject, topic)
				code := l.publish(topic, u.Login)
				if refused := code == 0x87; refused == may {
					t.Errorf("%s publishes to %s: PUBACK %#x, the table says %v", u.Login, topic, code, may)
				}
				if may {
					want[u.Login+" "+topic] = true
				}
			}
			observer.publish("end", "end of "+u.Login)
			equal(t, u.Login, observer.hear("end of "+u.Login), want)
		}
	})
}

// Each user's last will is on each topic. What is published of them is what the table allows.
func TestMosquittoWills(t *testing.T) {
	onMosquitto(t, func(t *testing.T, _ string, r *real) {
		observer := r.as(everything)
		observer.subscribe("#")
		for _, u := range some().Users {
			want := map[string]bool{}
			leave := func(login, topic, payload string) {
				l, code, err := r.open(login, login, func(c *packets.Connect) {
					c.WillFlag, c.WillQOS, c.WillTopic, c.WillMessage, c.WillProperties = true, 1, topic, []byte(payload), &packets.Properties{}
				})
				if err != nil {
					t.Fatal(err)
				}
				if code == 0 { // else it was told
					_ = l.conn.Close()
				}
			}
			for _, topic := range tried() {
				leave(u.Login, topic, u.Login)
				if root.MayPublish(u.Subject, topic) {
					want[u.Login+" "+topic] = true
				}
			}
			// Mosquitto has noticed the ends before it answers who comes later.
			r.as(u.Login)
			observer.publish("end", "end of "+u.Login)
			equal(t, u.Login, observer.hear("end of "+u.Login), want)
		}
	})
}

// Each user subscribes to each topic, where something is then published. What each is sent is what the table allows.
func TestMosquittoSubscribing(t *testing.T) {
	onMosquitto(t, func(t *testing.T, format string, r *real) {
		users, links := some().Users, map[string]*link{}
		filters := append(tried(), "#", "muster/v1/#", "muster/v1/+/+/config", "muster/v1/enroll/+/request")
		for _, u := range users {
			l := r.as(u.Login)
			links[u.Login] = l
			for _, filter := range filters {
				code, may := l.subscribe(filter), root.MaySubscribe(u.Subject, filter)
				if format != "mosquitto-dynsec" {
					continue // it takes them all
				}
				if refused := code == 0x87; refused == may && (!refused || slices.Contains(tried(), filter)) {
					t.Errorf("%s subscribes to %s: SUBACK %#x, the table says %v", u.Login, filter, code, may)
				}
			}
		}
		publisher := r.as(everything)
		for _, topic := range tried() {
			if code := publisher.publish(topic, "m"); code >= 0x80 {
				t.Fatalf("%s: PUBACK %#x", topic, code)
			}
		}
		for _, u := range users {
			name := u.Name
			if u.Role != topics.RoleDevice && u.Role != topics.RoleEnrolling {
				name = "till-1"
			}
			publisher.publish(root.Topic(readable[u.Role], name), "end of "+u.Login)
			want := map[string]bool{}
			for _, topic := range tried() {
				if root.MaySubscribe(u.Subject, topic) {
					want["m "+topic] = true
				}
			}
			heard := links[u.Login].hear("end of " + u.Login)
			for message := range heard {
				if strings.HasPrefix(message, "end of ") {
					delete(heard, message) // another's
				}
			}
			equal(t, u.Login, heard, want)
		}
	})
}

// A device cannot take from managers what they share: the plugin refuses the subscription. An access control list cannot.
func TestMosquittoSharedSubscriptions(t *testing.T) {
	r := newReal(t, "mosquitto-dynsec")
	for login, want := range map[string]bool{"manager.a": true, "till-1": false, "viewer.ann": false} {
		if code := r.as(login).subscribe("$share/managers/muster/v1/devices/+/checkin"); (code < 0x80) != want {
			t.Errorf("%s: SUBACK %#x", login, code)
		}
	}
}

// Only who has a certificate of the authority's that is not revoked gets in, as whom it names.
func TestMosquittoAdmission(t *testing.T) {
	onMosquitto(t, func(t *testing.T, format string, r *real) {
		stranger := newAuthority(t, "test")
		for why, config := range map[string]int{"no certificate": 0, "another authority's": 1, "its own": 2, "a revoked one": 3} {
			c := r.tls()
			switch config {
			case 1:
				c.Certificates = append(c.Certificates, stranger.of("till-1"))
			case 2:
				alone := &authority{t: t}
				c.Certificates = append(c.Certificates, alone.of("till-1"))
			case 3:
				c.Certificates = append(c.Certificates, r.certificates["till-66"])
			}
			if _, code, err := r.dial(r.devices, c, "till-1", nil); err == nil {
				t.Errorf("%s: CONNACK %#x", why, code)
			}
		}
		// Who is not in the fleet any more, but has a certificate still: nothing of a group, and with the plugin nothing at all.
		r.certificates["till-5"] = r.authority.of("till-5")
		if format == "mosquitto-dynsec" {
			if code := r.as("till-5").publish(root.Topic(topics.DeviceCheckin, "till-5"), "x"); code != 0x87 {
				t.Errorf("an unknown device: PUBACK %#x", code)
			}
		}
		// The client id is the certificate's name: nobody ends another's connection.
		device := r.as("till-1")
		if _, code, err := r.open("till-11", "till-1", nil); err != nil || code != 0 {
			t.Fatalf("CONNACK %#x, %v", code, err)
		}
		if code := device.publish(root.Topic(topics.DeviceCheckin, "till-1"), "x"); code >= 0x80 {
			t.Errorf("PUBACK %#x", code)
		}
		if format == "mosquitto" {
			password := func(user, password string) func(*packets.Connect) {
				return func(c *packets.Connect) {
					c.UsernameFlag, c.PasswordFlag, c.Username, c.Password = true, true, user, []byte(password)
				}
			}
			if _, code, err := r.dial(r.people, r.tls(), "m", password("manager.a", "secret")); err != nil || code != 0 {
				t.Errorf("the manager's password: CONNACK %#x, %v", code, err)
			}
			for _, wrong := range []func(*packets.Connect){nil, password("manager.a", "guess"), password("nobody", "secret")} {
				if _, code, err := r.dial(r.people, r.tls(), "m", wrong); err == nil && code < 0x80 {
					t.Errorf("CONNACK %#x", code)
				}
			}
		}
	})
}

func equal(t *testing.T, who string, got, want map[string]bool) {
	t.Helper()
	var wrong []string
	for message := range got {
		if !want[message] {
			wrong = append(wrong, fmt.Sprintf("%q is too much", message))
		}
	}
	for message := range want {
		if !got[message] {
			wrong = append(wrong, fmt.Sprintf("%q is missing", message))
		}
	}
	slices.Sort(wrong)
	if len(wrong) > 0 || len(want) == 0 && !strings.HasPrefix(who, "viewer.") {
		t.Errorf("%s: of %d: %s", who, len(want), strings.Join(wrong, ", "))
	}
}
