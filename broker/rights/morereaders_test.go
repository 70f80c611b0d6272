package rights

import (
	"encoding/json"
	"encoding/xml"
	"regexp"
	"slices"
	"strings"
	"testing"

	"muster/topics"
)

// hivemqBroker is a credentials.xml: the permissions of all roles of a user, denied by default.
type hivemqBroker map[string][]hivemqPermission

func readHiveMQ(t *testing.T, file []byte) broker {
	var h hivemq
	if err := xml.Unmarshal(file, &h); err != nil {
		t.Fatal(err)
	}
	b := hivemqBroker{}
	for _, u := range h.Users {
		if u.Password != noHash || len(u.Roles) == 0 {
			t.Errorf("the user %+v", u)
		}
		for _, id := range u.Roles {
			i := slices.IndexFunc(h.Roles, func(r hivemqRole) bool { return r.ID == id })
			if i < 0 || len(h.Roles[i].Permissions) == 0 {
				t.Fatalf("no role %q, or an empty one, which the extension takes for a mistake", id)
			}
			b[u.Name] = append(b[u.Name], h.Roles[i].Permissions...)
		}
	}
	return b
}

func (b hivemqBroker) may(activity, login, client, filter string) bool {
	if strings.ContainsAny(login+client, "+#") {
		return false // the extension lets nobody in who is called that
	}
	share, inner, err := topics.SplitShared(filter)
	return err == nil && slices.ContainsFunc(b[login], func(p hivemqPermission) bool {
		topic := strings.ReplaceAll(p.Topic, "${{username}}", login)
		return (p.Activity == "ALL" || p.Activity == activity) && covers(topic, inner) && (share == "" || p.Shared == "ALL")
	})
}

func (b hivemqBroker) mayPublish(login, client, topic string) bool {
	return b.may("PUBLISH", login, client, topic)
}

func (b hivemqBroker) maySubscribe(login, client, filter string) bool {
	return b.may("SUBSCRIBE", login, client, filter)
}

// rabbitmqBroker is what the definitions say: a client needs its queue and the exchange, and the routing key has to match, which is
// searched for the expression. Without a topic permission everything would be allowed.
type rabbitmqBroker map[string]rabbitmqRights

type rabbitmqRights struct{ configure, write, read, publish, subscribe *regexp.Regexp }

func readRabbitMQ(t *testing.T, file []byte) broker {
	var d rabbitmq
	if err := json.Unmarshal(file, &d); err != nil {
		t.Fatal(err)
	}
	b := rabbitmqBroker{}
	for i, u := range d.Users {
		p, r := d.Permissions[i], d.Topics[i]
		if p.User != u.Name || r.User != u.Name || r.Exchange != "amq.topic" || r.Write == "" || r.Read == "" || u.Hash != "" || p.Vhost != r.Vhost {
			t.Errorf("%s: %+v, %+v", u.Name, p, r)
		}
		b[u.Name] = rabbitmqRights{
			configure: regexp.MustCompile(p.Configure), write: regexp.MustCompile(p.Write), read: regexp.MustCompile(p.Read),
			publish: regexp.MustCompile(r.Write), subscribe: regexp.MustCompile(r.Read),
		}
	}
	return b
}

// routingKey is what MQTT topics and filters are to RabbitMQ.
func routingKey(filter string) string {
	return strings.NewReplacer("/", ".", ".", "/", "+", "*").Replace(filter)
}

func (b rabbitmqBroker) mayPublish(login, _, topic string) bool {
	r, is := b[login]
	return is && r.write.MatchString("amq.topic") && r.publish.MatchString(routingKey(topic))
}

func (b rabbitmqBroker) maySubscribe(login, client, filter string) bool {
	r, is := b[login]
	if _, inner, err := topics.SplitShared(filter); err == nil {
		filter = inner
	}
	queue := "mqtt-subscription-" + client + "qos1"
	return is && r.configure.MatchString(queue) && r.write.MatchString(queue) && r.read.MatchString(queue) && r.read.MatchString("amq.topic") &&
		r.subscribe.MatchString(routingKey(filter))
}
