package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"muster/manager/api"
	"muster/manager/store"
	"muster/topics"
	tokens "muster/topics/token"
)

// aBroker knows the device till with the password p, or by its certificate, and the viewer ann of the group fleet.
type aBroker struct {
	asked atomic.Pointer[api.BrokerClient]
}

var errUnknown = errors.New("who is that?")

func (b *aBroker) Login(ctx context.Context, c api.BrokerClient, password []byte) (topics.Subject, error) {
	if c.CommonName == "" && string(password) != "p" {
		return topics.Subject{}, errUnknown
	}
	return b.Client(ctx, c)
}

func (b *aBroker) Client(_ context.Context, c api.BrokerClient) (topics.Subject, error) {
	b.asked.Store(&c)
	switch {
	case c.CommonName == "till" || c.CommonName == "" && c.Username == "till":
		return topics.Subject{Role: topics.RoleDevice, Name: "till", Group: "fleet"}, nil
	case c.Username == "ann":
		return topics.Subject{Role: topics.RoleViewer, Name: "ann", Sees: func(t topics.Topic) bool { return t.Name == "fleet" }}, nil
	case c.Username == "token:m":
		return topics.Subject{Role: topics.RoleManager, Name: "m"}, nil
	}
	return topics.Subject{}, errUnknown
}

func newBrokersManager(t testing.TB) (*manager, *aBroker) {
	b := &aBroker{}
	return newManagerWith(t, openStore(t), func(o *api.Options) { o.Brokers = b }), b
}

// Brokers are answered by what the gate and the table say, in the words of both.
func TestBrokersAsk(t *testing.T) {
	const allow = `{"result": "allow", "is_superuser": false, "ok": true, "error": ""}`
	deny := func(why string) string {
		return fmt.Sprintf(`{"result": "deny", "is_superuser": false, "ok": false, "error": %q}`, why)
	}
	publish, subscribe, who := deny("not allowed to publish there"), deny("not allowed to subscribe to that"), deny(errUnknown.Error())
	m, _ := newBrokersManager(t)
	for _, tc := range []struct{ path, body, want string }{
		{"/auth", `{"username": "till", "password": "p", "clientid": "till"}`, allow},
		{"/auth", `{"username": "", "clientid": "till", "cert_common_name": "till", "peerhost": "10.0.0.7"}`, allow},
		{"/auth", `{"username": "till", "password": "q", "clientid": "till"}`, who},
		{"/auth", `{"username": "till", "clientid": "till"}`, who},
		{"/auth", `{"username": "", "password": "", "clientid": "", "cert_common_name": ""}`, who},
		{"/auth", `{"username": "till", "clientid": "till", "cert_common_name": "other"}`, who},
		{"/superuser", `{"username": "token:m"}`, deny("there are no superusers")},

		{"/acl", `{"username": "till", "clientid": "till", "topic": "muster/v1/devices/till/checkin", "acc": 2}`, allow},
		{"/acl", `{"username": "till", "clientid": "till", "topic": "muster/v1/devices/till/checkin", "action": "publish"}`, allow},
		{"/acl", `{"username": "till", "clientid": "till", "topic": "muster/v1/devices/till/checkin", "acc": 1}`, subscribe},
		{"/acl", `{"username": "till", "clientid": "till", "topic": "muster/v1/devices/till/checkin", "acc": 3}`, subscribe},
		{"/acl", `{"username": "till", "clientid": "till", "topic": "muster/v1/devices/till2/checkin", "acc": 2}`, publish},
		{"/acl", `{"username": "till", "clientid": "till", "topic": "muster/v1/groups/fleet/config", "acc": 4}`, allow},
		{"/acl", `{"username": "till", "clientid": "till", "topic": "muster/v1/groups/fleet/config", "acc": 1}`, allow},
		{"/acl", `{"username": "till", "clientid": "till", "topic": "muster/v1/groups/fleet/config", "acc": 2}`, publish},
		{"/acl", `{"username": "till", "clientid": "till", "topic": "muster/v1/groups/fleet2/config", "action": "subscribe"}`, subscribe},
		{"/acl", `{"username": "till", "clientid": "till", "topic": "#", "action": "subscribe"}`, subscribe},
		{"/acl", `{"username": "till", "clientid": "till", "topic": "$share/x/muster/v1/groups/fleet/config", "acc": 4}`, subscribe},
		{"/acl", `{"username": "token:m", "clientid": "c", "topic": "$share/x/muster/v1/devices/+/checkin", "acc": 4}`, allow},
		{"/acl", `{"username": "ann", "clientid": "c", "topic": "#", "acc": 4}`, allow},
		{"/acl", `{"username": "ann", "clientid": "c", "topic": "#", "action": "subscribe"}`, subscribe},
		{"/acl", `{"username": "ann", "clientid": "c", "topic": "muster/v1/groups/fleet/config", "action": "subscribe"}`, allow},
		{"/acl", `{"username": "ann", "clientid": "c", "topic": "muster/v1/groups/fleet/config", "acc": 1}`, allow},
		{"/acl", `{"username": "ann", "clientid": "c", "topic": "muster/v1/groups/secret/config", "acc": 1}`, subscribe},
		{"/acl", `{"username": "ann", "clientid": "c", "topic": "muster/#/x", "acc": 4}`, subscribe},
		{"/acl", `{"username": "ann", "clientid": "c", "topic": "anything", "acc": 8}`, allow},
		{"/acl", `{"username": "bob", "clientid": "c", "topic": "muster/v1/summary", "acc": 4}`, who},
	} {
		status := 200
		if tc.want != allow {
			status = 403
		}
		wantJSON(t, m.do("POST", "/broker"+tc.path, tc.body), status, tc.want)
		// A broker for which only a 200 is an answer gets one.
		wantJSON(t, m.do("POST", "/broker"+tc.path+"?refused=200", tc.body), 200, tc.want)
	}
	for body, want := range map[string]string{
		`{"clientid": "c"}`: `{"missing_parameters": ["topic", "username"]}`,
		`{"username": "till", "clientid": "till", "topic": "x"}`:                                `{"action": "must be \"publish\" or \"subscribe\", or be left out where acc is given"}`,
		`{"username": "till", "clientid": "till", "topic": "x", "action": "publish", "acc": 1}`: `{"action": "must be \"publish\" or \"subscribe\", or be left out where acc is given"}`,
		`{"username": "till", "clientid": "till", "topic": "x", "acc": 5}`:                      `{"acc": "must be 1, 2, 3, 4 or 8, is 5"}`,
		`{"username": "till", "clientid": "till", "topic": "x", "acc": 0}`:                      `{"acc": "must be a whole number from 1 to 8, is 0"}`,
		`{"username": "till", "clientid": "till", "topic": "x", "action": "all"}`:               `{"action": "must be one of [\"publish\" \"subscribe\"], is \"all\""}`,
		`{"username": "till", "clientid": "till", "topic": "x", "acc": 1, "superuser": true}`:   `{"superuser": "unknown field"}`,
		``: `{"missing_parameters": true}`,
	} {
		wantJSON(t, m.do("POST", "/broker/acl", body), 400, want)
	}
	if w := m.do("POST", "/broker/auth?refused=500", `{"username": "", "clientid": ""}`); w.Code != 400 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// A refusal is logged once, with whom and what it is about; what is allowed is not logged, and passwords never are.
func TestBrokersQuestionsInTheLog(t *testing.T) {
	m, b := newBrokersManager(t)
	m.do("POST", "/broker/auth", `{"username": "till", "password": "s3cr3t-guess", "clientid": "till", "peerhost": "2001:db8::7"}`)
	m.do("POST", "/broker/acl", `{"username": "till", "clientid": "till", "topic": "muster/v1/devices/till2/checkin", "acc": 2}`)
	m.do("POST", "/broker/auth?refused=200", `{"username": "nobody", "password": "p", "clientid": "x"}`)
	log := m.log.String()
	for _, want := range []string{`client id \"till\" as \"till\": who is that?`, `topic \"muster/v1/devices/till2/checkin\": not allowed to publish there`, `client id \"x\" as \"nobody\"`} {
		if n := strings.Count(log, want); n != 1 {
			t.Errorf("%d times %s in\n%s", n, want, log)
		}
	}
	if strings.Contains(log, "s3cr3t-guess") {
		t.Error("a password is in the log")
	}
	if strings.Count(log, "level=INFO") != 3 {
		t.Errorf("not three refusals in\n%s", log)
	}
	m.do("POST", "/broker/auth", `{"username": "till", "password": "p", "clientid": "till", "peerhost": "2001:db8::7"}`)
	if strings.Count(m.log.String(), "level=INFO") != 3 {
		t.Errorf("what is allowed is in the log:\n%s", m.log.String())
	}
	if asked := b.asked.Load(); asked == nil || asked.Remote != "[2001:db8::7]:0" {
		t.Errorf("the gate was asked about %+v", asked)
	}
}

// A manager that decides for nobody lets nobody in.
func TestNoBrokers(t *testing.T) {
	m := newManager(t)
	for path, body := range map[string]string{
		"/auth": `{"username": "till", "password": "p", "clientid": "till"}`, "/acl": `{"username": "till", "clientid": "till", "topic": "muster/v1/summary", "acc": 4}`,
	} {
		wantJSON(t, m.do("POST", "/broker"+path, body), 403, `{"result": "deny", "is_superuser": false, "ok": false, "error": "this manager decides for no broker"}`)
	}
}

// Devices that are let in and tokens with a role on MQTT are in a broker's file; others are not, and those that cannot be are named.
func TestBrokerRights(t *testing.T) {
	onEveryStore(t, func(t *testing.T, open opener) {
		m := open.manager(t)
		m.fill()
		for device, state := range map[string]store.IdentityState{"till-1": store.IdentityActive, "till-2": store.IdentityPending, "till-3": store.IdentityRevoked} {
			if _, err := m.store.Identities().Create(t.Context(), store.Identity{Device: device, DeviceGroup: "shops", State: state}); err != nil {
				t.Fatal(err)
			}
		}
		var ids []string
		for _, body := range []string{
			`{"kind": "api", "name": "m1", "mqtt_role": "manager"}`, `{"kind": "api", "name": "b1", "mqtt_role": "bridge"}`,
			`{"kind": "api", "name": "v1", "mqtt_role": "viewer", "admin": true}`, `{"kind": "api", "name": "v2", "mqtt_role": "viewer", "user_groups": ["ops"]}`,
			`{"kind": "api", "name": "ci", "admin": true}`, `{"kind": "api", "name": "a.b", "mqtt_role": "bridge"}`,
			`{"kind": "enroll", "device_group": "fleet", "device": "till-9"}`, `{"kind": "enroll", "device_group": "fleet"}`,
		} {
			var made struct{ ID string }
			if w := m.do("POST", "/tokens", body); w.Code != 200 || json.Unmarshal(w.Body.Bytes(), &made) != nil {
				t.Fatalf("%s: %d %s", body, w.Code, w.Body)
			}
			ids = append(ids, made.ID)
		}
		var answer struct {
			Content string
			LeftOut []string `json:"left_out"`
		}
		w := m.do("GET", "/broker/rights/mosquitto", "")
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		for _, want := range []string{
			"user till-1\ntopic read muster/v1/groups/shops/config\n", "user token:m1\n", "topic readwrite muster/v1/bridges/b1/status\n", "user token:v1\n",
			"user " + tokens.EnrollUser(ids[6]) + "\n", "topic write muster/v1/enroll/till-9/request\n",
		} {
			if !strings.Contains(answer.Content, want) {
				t.Errorf("%q is not in\n%s", want, answer.Content)
			}
		}
		for _, other := range []string{"till-2", "till-3", "token:v2", "token:ci", "token:a.b", ids[7]} {
			if strings.Contains(answer.Content, other) {
				t.Errorf("%q is in\n%s", other, answer.Content)
			}
		}
		if left := strings.Join(answer.LeftOut, "\n"); len(answer.LeftOut) != 2 || !strings.Contains(left, "token:v2: sees what") || !strings.Contains(left, "token:a.b: ") {
			t.Errorf("left out are %q", answer.LeftOut)
		}
		if w := m.do("GET", "/broker/rights/vernemq", ""); w.Code != 400 || !strings.Contains(w.Body.String(), "rabbitmq") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

// BenchmarkBrokerQuestions is what a fleet that reconnects to another broker costs: a login, four subscriptions and a publish of each device.
func BenchmarkBrokerQuestions(b *testing.B) {
	m, _ := newBrokersManager(b)
	ask := func(path, body string) {
		w := httptest.NewRecorder()
		m.bare.ServeHTTP(w, m.request("POST", "/broker"+path, body))
		if w.Code != 200 {
			b.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	b.Run("auth", func(b *testing.B) {
		for b.Loop() {
			ask("/auth", `{"username": "till", "password": "p", "clientid": "till"}`)
		}
	})
	b.Run("acl", func(b *testing.B) {
		for b.Loop() {
			ask("/acl", `{"username": "till", "clientid": "till", "topic": "muster/v1/devices/till/checkin", "acc": 2}`)
		}
	})
}
