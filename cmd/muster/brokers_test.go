package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// Another broker asks a running manager, as mosquitto-go-auth does, and is told what is so now: a token that is gone is refused at once.
func TestOtherBrokersAsk(t *testing.T) {
	s := startServing(t)
	made := func(body string) (token struct{ ID, Token string }) {
		if err := json.Unmarshal([]byte(s.must(200, "POST", "/api/v2/tokens", body)), &token); err != nil {
			t.Fatal(err)
		}
		return token
	}
	broker, program := made(`{"kind": "api", "name": "mosquitto", "broker_auth": true}`), made(`{"kind": "api", "name": "m1", "mqtt_role": "manager"}`)
	asks := func(want int, method, path, body string) {
		t.Helper()
		r := s.request(method, "/api/v2"+path, strings.NewReader(body))
		r.SetBasicAuth("token", broker.Token)
		status, answer, err := ask(http.DefaultClient, r)
		if err != nil || status != want {
			t.Errorf("%s %s %s: %d %s, %v, want %d", method, path, body, status, answer, err, want)
		}
	}
	asks(200, "POST", "/broker/auth", `{"username": "till-1", "password": "`+devicesPassword+`", "clientid": "till-1"}`)
	asks(403, "POST", "/broker/auth", `{"username": "till-1", "password": "guess", "clientid": "till-1"}`)
	asks(403, "POST", "/broker/auth", `{"username": "till-1", "password": "`+devicesPassword+`", "clientid": "till-2"}`)
	asks(200, "POST", "/broker/acl", `{"username": "till-1", "clientid": "till-1", "topic": "muster/v1/devices/till-1/checkin", "acc": 2}`)
	asks(403, "POST", "/broker/acl", `{"username": "till-1", "clientid": "till-1", "topic": "muster/v1/devices/till-2/checkin", "acc": 2}`)
	asks(403, "POST", "/broker/superuser", `{"username": "till-1"}`)
	asks(403, "GET", "/broker/rights/mosquitto", "")
	asks(403, "GET", "/tokens", "")

	config := `{"username": "token:m1", "clientid": "m", "topic": "muster/v1/groups/shops/config", "acc": 2}`
	asks(200, "POST", "/broker/auth", `{"username": "token:m1", "password": "`+program.Token+`", "clientid": "m"}`)
	asks(200, "POST", "/broker/acl", config)
	s.must(200, "DELETE", "/api/v2/tokens/"+program.ID, "")
	asks(403, "POST", "/broker/acl", config)
	s.must(200, "DELETE", "/api/v2/tokens/"+broker.ID, "")
	asks(401, "POST", "/broker/acl", config)
}
