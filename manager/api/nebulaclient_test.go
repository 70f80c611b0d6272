package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A nebulaClient makes requests as Nebula's Python SDK does: Content-Type is JSON also where there is no body, and
// whatever the status is, the body of the answer is parsed as JSON.
type nebulaClient struct {
	*testing.T
	url string
}

func (c nebulaClient) reply(method, path string, config any) (int, map[string]any) {
	c.Helper()
	var body io.Reader
	if config != nil {
		data, err := json.Marshal(config)
		if err != nil {
			c.Fatal(err)
		}
		body = strings.NewReader(string(data))
	}
	r, err := http.NewRequestWithContext(c.Context(), method, c.url+"/api/v2"+path, body)
	if err != nil {
		c.Fatal(err)
	}
	r.SetBasicAuth(user, password)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Cache-Control", "no-cache")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	defer answer.Body.Close()
	var reply map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&reply); err != nil {
		c.Fatalf("%s %s: %d, no JSON object: %v", method, path, answer.StatusCode, err)
	}
	return answer.StatusCode, reply
}

// TestNebulaClient is what clients of Nebula do with every kind of object: they make it, make it again, read it, change it by
// sending all that they have read, with the _id that Nebula puts in some answers, and delete it twice.
func TestNebulaClient(t *testing.T) { onEveryStore(t, testNebulaClient) }

func testNebulaClient(t *testing.T, open opener) {
	server := httptest.NewServer(open.manager(t).handler)
	t.Cleanup(server.Close)
	c := nebulaClient{t, server.URL}
	oid := map[string]string{"$oid": "5c370a85ebdb54000edb8ef2"}
	for _, tc := range []struct {
		path, config, methods, id string
		updated                   int
		gone                      string
	}{
		{"/apps/unit", `{"starting_ports": [80, {"90": "8081"}], "containers_per": {"cpu": 5}, "env_vars": {"TEST": "test123"}, "docker_image": "nginx"}`, "PUT PATCH POST", "app_id", 202, "app_exists"},
		{"/cron_jobs/unit", `{"docker_image": "nginx", "schedule": "0 * * * *"}`, "PUT PATCH POST", "cron_job_id", 202, "cron_job_exists"},
		{"/device_groups/unit", `{"apps": []}`, "PUT PATCH POST", "device_group_id", 202, "device_group_exists"},
		{"/users/unit", `{"password": "p", "token": "t"}`, "PUT PATCH", "", 200, "user_exists"},
		{"/user_groups/unit", `{"group_members": ["unit"], "apps": {"unit": "rw"}}`, "PUT PATCH", "", 200, "user_group_exists"},
	} {
		config := json.RawMessage(tc.config)
		status, made := c.reply("POST", tc.path, config)
		if status != 200 || tc.id != "" && made[tc.id] != 1.0 {
			t.Fatalf("POST %s: %d %v", tc.path, status, made)
		}
		if status, reply := c.reply("POST", tc.path, config); status != 403 || reply[tc.gone] != true {
			t.Errorf("POST %s again: %d %v", tc.path, status, reply)
		}
		for method := range strings.FieldsSeq(tc.methods) {
			_, sent := c.reply("GET", tc.path, nil)
			want := text(t, sent)
			if tc.id != "" {
				want = merge(want, text(t, map[string]any{tc.id: sent[tc.id].(float64) + 1}))
			}
			sent["_id"] = oid
			status, reply := c.reply(method, tc.path+"/update", sent)
			if got := text(t, reply); status != tc.updated || got != want {
				t.Errorf("%s %s/update of what was read: %d %s, want %s", method, tc.path, status, got, want)
			}
		}
		if status, reply := c.reply("DELETE", tc.path, nil); status != 200 || len(reply) != 0 {
			t.Errorf("DELETE %s: %d %v", tc.path, status, reply)
		}
		for _, method := range []string{"DELETE", "GET"} {
			if status, reply := c.reply(method, tc.path, nil); status != 403 || reply[tc.gone] != false {
				t.Errorf("%s %s when it is gone: %d %v", method, tc.path, status, reply)
			}
		}
	}
}

// text is an object as JSON, its keys in order.
func text(t *testing.T, object map[string]any) string {
	t.Helper()
	data, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
