package rights

import (
	"encoding/json"
	"io"
	"regexp"
	"strings"

	"muster/topics"
)

type (
	rabbitmq struct {
		Vhosts      []rabbitmqVhost      `json:"vhosts"`
		Users       []rabbitmqUser       `json:"users"`
		Permissions []rabbitmqPermission `json:"permissions"`
		Topics      []rabbitmqTopics     `json:"topic_permissions"`
	}
	rabbitmqVhost struct {
		Name string `json:"name"`
	}
	rabbitmqUser struct {
		Name string `json:"name"`
		// Hash is empty: no password is right.
		Hash      string   `json:"password_hash"`
		Algorithm string   `json:"hashing_algorithm"`
		Tags      []string `json:"tags"`
	}
	rabbitmqPermission struct {
		User      string `json:"user"`
		Vhost     string `json:"vhost"`
		Configure string `json:"configure"`
		Write     string `json:"write"`
		Read      string `json:"read"`
	}
	rabbitmqTopics struct {
		User     string `json:"user"`
		Vhost    string `json:"vhost"`
		Exchange string `json:"exchange"`
		Write    string `json:"write"`
		Read     string `json:"read"`
	}
)

const (
	vhost    = "/"
	exchange = "amq.topic"
	// nothing is a regular expression that matches nothing. A permission that is empty would match everything.
	nothing = "^$a"
)

// writeRabbitMQ writes users without passwords, their permissions, and what they may do with routing keys, which is what MQTT topics
// are to RabbitMQ. Names are written out: "{client_id}" would put what a client chose into a regular expression. A device's client id has to
// be its name, for its queues have it in theirs. RabbitMQ judges subscriptions and not deliveries; it has no word for shared ones.
//
// RabbitMQ lets a user whom no topic permission is about do everything: these are about all that are listed, and no other user may
// have permissions on the virtual host.
func writeRabbitMQ(w io.Writer, f Fleet) error {
	d := rabbitmq{Vhosts: []rabbitmqVhost{{vhost}}, Users: []rabbitmqUser{}, Permissions: []rabbitmqPermission{}, Topics: []rabbitmqTopics{}}
	for _, u := range f.Users {
		client := ".+"
		if u.Role == topics.RoleDevice || u.Role == topics.RoleEnrolling {
			client = u.Name
		}
		queue := "mqtt-(subscription|will)-" + client + "(qos[01])?"
		uses := "^(" + queue + "|" + regexp.QuoteMeta(exchange) + ")$"
		publish, subscribe := split(grants(u.Role, f.of(u)))
		d.Users = append(d.Users, rabbitmqUser{Name: u.Login, Algorithm: "rabbit_password_hashing_sha256", Tags: []string{}})
		d.Permissions = append(d.Permissions, rabbitmqPermission{User: u.Login, Vhost: vhost, Configure: "^" + queue + "$", Write: uses, Read: uses})
		d.Topics = append(d.Topics, rabbitmqTopics{User: u.Login, Vhost: vhost, Exchange: exchange, Write: routingKeys(publish), Read: routingKeys(subscribe)})
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(d)
}

// routingKeys is a regular expression of the routing keys that MQTT topics of the filters have, and of their binding keys: a "+" is "*" there.
func routingKeys(filters []string) string {
	if len(filters) == 0 {
		return nothing
	}
	keys := make([]string, len(filters))
	for i, filter := range filters {
		key := regexp.QuoteMeta(strings.ReplaceAll(filter, "/", "."))
		keys[i] = strings.ReplaceAll(key, `\+`, `([A-Za-z0-9_-]+|\*)`)
	}
	return "^(" + strings.Join(keys, "|") + ")$"
}
