package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"muster/broker/rights"
	"muster/manager/auth"
	"muster/topics"
)

// A BrokerClient is a client of another broker, as that broker tells of it.
type BrokerClient struct {
	ClientID, Username string
	// CommonName is that of the client's certificate, which the broker has verified; empty without.
	CommonName string
	// Remote is the client's host:port; empty when the broker does not say.
	Remote string
}

// Brokers decide for brokers that ask.
type Brokers interface {
	// Login tells who a client is that wants to connect, by what it shows. The password must not be kept.
	Login(ctx context.Context, c BrokerClient, password []byte) (topics.Subject, error)
	// Client tells who a client is by now that has been let in. Errors of both are refusals, and hold no secrets.
	Client(ctx context.Context, c BrokerClient) (topics.Subject, error)
}

// noBrokers decides for none.
type noBrokers struct{}

func (noBrokers) Login(context.Context, BrokerClient, []byte) (topics.Subject, error) {
	return topics.Subject{}, errors.New("this manager decides for no broker")
}

func (n noBrokers) Client(ctx context.Context, c BrokerClient) (topics.Subject, error) {
	return n.Login(ctx, c, nil)
}

// brokerAuth is for brokers, which ask with an API token that lets them.
func brokerAuth(who auth.Identity, _ *http.Request) bool { return who.Admin || who.BrokerAuth }

// The values of acc, Mosquitto's access. A client is asked about reading when a message is delivered to it.
const (
	accRead, accWrite, accReadWrite, accSubscribe, accUnsubscribe = 1, 2, 3, 4, 8
	maxAcc                                                        = accUnsubscribe
)

// A brokerQuestion is what a broker asks, in the fields that mosquitto-go-auth sends and that EMQX can be told to send.
type brokerQuestion struct {
	BrokerClient
	password, topic, action string
	acc                     int64
}

func readBrokerQuestion(r *http.Request, required ...string) (q brokerQuestion, err error) {
	given, err := readPatch(r)
	if err != nil {
		return q, err
	}
	if given.given == nil {
		return q, errNothingGiven
	}
	host := ""
	err = given.fill(append(required, "username"), []field{
		{"username", func(v value) error { return v.string(&q.Username) }},
		{"clientid", func(v value) error { return v.string(&q.ClientID) }},
		{"password", func(v value) error { return v.string(&q.password) }},
		{"cert_common_name", func(v value) error { return v.string(&q.CommonName) }},
		{"peerhost", func(v value) error { return v.string(&host) }},
		{"topic", func(v value) error { return v.string(&q.topic) }},
		{"action", func(v value) error { return v.oneOf(&q.action, "publish", "subscribe") }},
		{"acc", func(v value) error { return v.within(&q.acc, 1, maxAcc) }},
	})
	if host != "" {
		q.Remote = net.JoinHostPort(host, "0")
	}
	return q, err
}

// askLogin answers whether a client may connect.
func (a *api) askLogin(r *http.Request) (int, any, error) {
	return a.decide(r, func(q brokerQuestion) error {
		_, err := a.brokers.Login(r.Context(), q.BrokerClient, []byte(q.password))
		return err
	}, "clientid")
}

// askTopic answers whether a client may publish to a topic, have it as its will's, subscribe to it, or be sent what is published there.
func (a *api) askTopic(r *http.Request) (int, any, error) {
	return a.decide(r, func(q brokerQuestion) error {
		var publish, subscribe bool
		switch {
		case (q.action == "") == (q.acc == 0):
			return fieldErrorf("action", `must be "publish" or "subscribe", or be left out where acc is given`)
		case q.acc == accUnsubscribe:
			return nil // whoever could subscribe may leave
		case q.acc == accReadWrite:
			publish, subscribe = true, true
		default:
			publish = q.action == "publish" || q.acc == accWrite
			subscribe = q.action == "subscribe" || q.acc == accRead || q.acc == accSubscribe
		}
		if !publish && !subscribe {
			return fieldErrorf("acc", "must be 1, 2, 3, 4 or 8, is %d", q.acc)
		}
		s, err := a.brokers.Client(r.Context(), q.BrokerClient)
		switch {
		case err != nil:
			return err
		case publish && !a.root.MayPublish(s, q.topic):
			return errors.New("not allowed to publish there")
		case subscribe && (topics.CheckFilter(q.topic) != nil || !a.root.MaySubscribe(s, q.topic)),
			// EMQX, unlike Mosquitto, does not ask again about what it delivers.
			q.action == "subscribe" && !rights.MaySubscribe(a.root, s, q.topic):
			return errors.New("not allowed to subscribe to that")
		}
		return nil
	}, "clientid", "topic")
}

// askSuperuser answers whether a client may do everything, which nobody may.
func (a *api) askSuperuser(r *http.Request) (int, any, error) {
	return a.decide(r, func(brokerQuestion) error { return errors.New("there are no superusers") })
}

// A decision says so in the words of both brokers: result is EMQX's, ok and error are mosquitto-go-auth's.
type decision struct {
	Result    string `json:"result"`
	Superuser bool   `json:"is_superuser"`
	OK        bool   `json:"ok"`
	Error     string `json:"error"`
}

// decide answers a broker. A refusal is a 403, or what the broker has asked for: EMQX takes all but a 200 for no answer.
func (a *api) decide(r *http.Request, judge func(brokerQuestion) error, required ...string) (int, any, error) {
	params := readQuery(r)
	refused := http.StatusForbidden
	if params.oneOf("refused", "200", "403") == "200" {
		refused = http.StatusOK
	}
	if err := params.done(); err != nil {
		return 0, nil, err
	}
	q, err := readBrokerQuestion(r, required...)
	if err != nil {
		return 0, nil, err
	}
	t := traceFrom(r.Context())
	err = judge(q)
	if _, wrong := errors.AsType[*topics.FieldError](err); wrong {
		return 0, nil, err
	}
	if err == nil {
		t.probe = true // machines ask this all the time
		return http.StatusOK, decision{Result: "allow", OK: true}, nil
	}
	t.err = &brokerRefusal{q, err}
	return refused, decision{Result: "deny", Error: err.Error()}, nil
}

// A brokerRefusal is what the log says of one.
type brokerRefusal struct {
	asked brokerQuestion
	err   error
}

func (e *brokerRefusal) Error() string {
	text := fmt.Sprintf("client id %.80q as %.80q", e.asked.ClientID, cmp.Or(e.asked.CommonName, e.asked.Username))
	if e.asked.topic != "" {
		text += fmt.Sprintf(", topic %.200q", e.asked.topic)
	}
	return text + ": " + e.err.Error()
}

func (e *brokerRefusal) Unwrap() error { return e.err }
