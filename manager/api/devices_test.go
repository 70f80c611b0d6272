package api_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/broker"
	"muster/broker/client"
	"muster/manager/api"
	"muster/manager/auth"
	"muster/manager/devices"
	"muster/manager/store"
	"muster/topics"
)

// A deviceRig is a manager with an embedded broker, at which devices say what a test has them say.
type deviceRig struct {
	*manager
	bus client.Client
}

func newDeviceRig(t *testing.T, s store.Store, changes ...func(*api.Options)) *deviceRig {
	t.Helper()
	server, err := broker.Listen(broker.Options{
		Root: topics.DefaultRoot, TCPAddr: "127.0.0.1:0",
		Authenticate: func(broker.Login) (topics.Subject, error) { return topics.Subject{Role: topics.RoleLocal}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	configs := newMaker(s)
	known := devices.New(server.Client("manager"), s.Devices(), configs, devices.Options{
		Settle: 10 * time.Millisecond, CacheTime: 20 * time.Millisecond, Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		known.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	m := newManagerWith(t, s, func(o *api.Options) {
		o.Fleet, o.Configs = known, configs
		for _, change := range changes {
			change(o)
		}
	})
	return &deviceRig{m, server.Client("devices")}
}

// say publishes a device's status and has it known.
func (r *deviceRig) say(device string, s topics.Status) {
	r.t.Helper()
	payload, err := s.Encode()
	if err != nil {
		r.t.Fatal(err)
	}
	m := client.Message{Topic: topics.DefaultRoot.Topic(topics.DeviceStatus, device), Payload: payload, QoS: 1, Retain: true}
	if err := r.bus.Publish(context.Background(), m); err != nil {
		r.t.Fatal(err)
	}
	r.await("/devices/"+device, func(body string) bool { return strings.Contains(body, `"online":`) })
}

// await asks until the answer is as it should be.
func (r *deviceRig) await(path string, fits func(body string) bool) {
	r.t.Helper()
	var last string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if last = r.do("GET", path, "").Body.String(); fits(last) {
			return
		}
	}
	r.t.Fatalf("GET %s is %s", path, last)
}

func online(group string) topics.Status {
	return topics.Status{State: topics.Online, Session: 1, DeviceGroup: group}
}

// names are the devices of a list, in its order.
func (r *deviceRig) names(path string) (names []string) {
	r.t.Helper()
	w := r.do("GET", path, "")
	if w.Code != http.StatusOK {
		r.t.Fatalf("GET %s: %d %s", path, w.Code, w.Body)
	}
	for _, d := range decode(r.t, w.Body.String()).(map[string]any)["devices"].([]any) {
		names = append(names, d.(map[string]any)["device"].(string))
	}
	return names
}

// What devices say is in lists and details, which are kept to the OpenAPI document, and an admin's labels survive on every store.
func TestDevices(t *testing.T) {
	onEveryStore(t, func(t *testing.T, open opener) {
		r := newDeviceRig(t, open(t))
		wantJSON(t, r.do("GET", "/devices?counts=true", ""), 200,
			`{"devices": [], "next": null, "counts": {"devices": 0, "online": 0, "offline": 0, "current": 0, "behind": 0, "updating": 0, "failing": 0}}`)
		failing := online("shops")
		failing.Failing = []topics.Failure{{App: "web", Code: topics.ReasonExited, Reason: "exit code 1"}}
		r.say("till-1", failing)
		r.say("till-2", online("shops"))
		r.say("desk", online("offices"))

		wantJSON(t, r.do("PUT", "/devices/till-1", `{"labels": {"site": "berlin", "canary": ""}, "note": "under the counter"}`), 200,
			r.do("GET", "/devices/till-1", "").Body.String())
		wantJSON(t, r.do("PATCH", "/devices/till-1", `{"labels": {"canary": null, "floor": "2"}}`), 200, r.do("GET", "/devices/till-1", "").Body.String())
		got := decode(t, r.do("GET", "/devices/till-1", "").Body.String()).(map[string]any)
		want := map[string]any{"site": "berlin", "floor": "2"}
		if diff := cmp.Diff(want, got["labels"]); diff != "" || got["note"] != "under the counter" {
			t.Errorf("labels (-want +got):\n%s\nnote %q", diff, got["note"])
		}
		for query, want := range map[string][]string{
			"":                                     {"desk", "till-1", "till-2"},
			"?page_size=2":                         {"desk", "till-1"},
			"?page_size=2&after=till":              {"till-1", "till-2"},
			"?device_group=shops":                  {"till-1", "till-2"},
			"?device_group=none":                   nil,
			"?failing=true":                        {"till-1"},
			"?failing=false":                       {"desk", "till-2"},
			"?failing_app=web":                     {"till-1"},
			"?label=site":                          {"till-1"},
			"?label=site=berlin&label=floor=2":     {"till-1"},
			"?label=site=berlin&label=floor=3":     nil,
			"?online=false":                        nil,
			"?online=true&device_group=offices":    {"desk"},
			"?counts=true&phase=updating":          nil,
			"?behind=false&page_size=1&after=desk": {"till-1"},
		} {
			if diff := cmp.Diff(want, r.names("/devices"+query)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", query, diff)
			}
		}

		wantJSON(t, r.do("DELETE", "/devices/till-1", ""), 200, `{}`)
		wantJSON(t, r.do("GET", "/devices/till-1", ""), 403, `{"device_exists": false}`)
		wantJSON(t, r.do("DELETE", "/devices/till-1", ""), 403, `{"device_exists": false}`)
		if diff := cmp.Diff([]string{"desk", "till-2"}, r.names("/devices")); diff != "" {
			t.Errorf("after the deletion (-want +got):\n%s", diff)
		}
	})
}

// What is wrong is named, and nothing is changed.
func TestDevicesRefuse(t *testing.T) {
	r := newDeviceRig(t, openStore(t))
	r.say("till", online("shops"))
	before := r.do("GET", "/devices/till", "").Body.String()
	long := strings.Repeat("x", 4097)
	for _, tc := range []struct{ method, path, body, want string }{
		{"GET", "/devices?page_size=0", "", `{"page_size": "must be a whole number from 1 to 1000, is \"0\""}`},
		{"GET", "/devices?online=yes", "", `{"online": "must be one of [\"true\" \"false\"], is \"yes\""}`},
		{"GET", "/devices?label=", "", `{"label": "\"\" cannot be a label: must have 1 to 64 letters, digits and _ . / -, the first and last a letter or digit"}`},
		{"GET", "/devices?lable=x", "", `{"lable": "unknown parameter"}`},
		{"PUT", "/devices/till", ``, `{"missing_parameters": true}`},
		{"PUT", "/devices/till", `{"device_group": "x"}`, `{"device_group": "unknown field"}`},
		{"PUT", "/devices/till", `{"labels": null}`, `{"labels": "must be a dict of strings, not null"}`},
		{"PUT", "/devices/till", `{"labels": {"a": 1}}`, `{"labels.a": "must be a string, not a number"}`},
		{"PUT", "/devices/till", `{"labels": {"a": null}}`, `{"labels.a": "must be a string, not null"}`},
		{"PUT", "/devices/till", `{"labels": {"a=b": "x"}}`, `{"labels": "\"a=b\" cannot be a label: must have 1 to 64 letters, digits and _ . / -, the first and last a letter or digit"}`},
		{"PUT", "/devices/till", `{"labels": {"a": "x\ny"}}`, `{"labels.a": "must be at most 128 bytes of one line, is \"x\\ny\""}`},
		{"PUT", "/devices/till", `{"note": "` + long + `"}`, `{"note": "has 4097 bytes, at most 4096 of UTF-8 are allowed"}`},
		{"PATCH", "/devices/till", `{"labels": {"a": []}}`, `{"labels.a": "must be a string, not a list"}`},
	} {
		wantJSON(t, r.do(tc.method, tc.path, tc.body), 400, tc.want)
	}
	wantJSON(t, r.do("GET", "/devices/till", ""), 200, before)
	wantJSON(t, r.do("PUT", "/devices/new", `{"note": "x"}`), 403, `{"device_exists": false}`)
	wantJSON(t, r.do("GET", "/devices/a.b", ""), 400, `{"invalid_name": "may only contain letters, digits, '_' and '-'"}`)
}

// Changes of a device are in the audit trail, once each, and what changes nothing is not.
func TestDevicesAreAudited(t *testing.T) {
	r := newDeviceRig(t, openStore(t))
	r.say("till", online("shops"))
	r.do("PUT", "/devices/till", `{"labels": {"site": "berlin"}}`)
	r.do("PUT", "/devices/till", `{"labels": {"site": "berlin"}}`)
	r.do("DELETE", "/devices/till", "")
	entries := decode(t, r.do("GET", "/audit?kind=device", "").Body.String()).(map[string]any)["audit"].([]any)
	var got []any
	for _, e := range entries {
		e := e.(map[string]any)
		got = append(got, []any{e["action"], e["name"], e["by"], e["before"], e["after"]})
	}
	berlin := map[string]any{"labels": map[string]any{"site": "berlin"}, "note": ""}
	want := []any{
		[]any{"delete", "till", user, berlin, nil},
		[]any{"update", "till", user, map[string]any{"labels": map[string]any{}, "note": ""}, berlin},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if by := r.changedBy(); len(by) != 0 {
		t.Errorf("the publisher was poked by %q", by)
	}
}

// Who has a right to some device_groups sees their devices and no others, in lists, counts and errors.
func TestRightsToDevices(t *testing.T) {
	who := &somebody{id: auth.Identity{Admin: true}}
	r := newDeviceRig(t, openStore(t), func(o *api.Options) { who.Authenticator, o.Auth = o.Auth, who })
	r.say("desk", online("offices"))
	r.say("till", online("shops"))
	r.say("kiosk", online("malls"))
	who.id = auth.Identity{Rights: &auth.Rights{DeviceGroups: map[string]store.Right{"shops": "ro", "malls": "rw"}}}

	if diff := cmp.Diff([]string{"kiosk", "till"}, r.names("/devices")); diff != "" {
		t.Errorf("devices (-want +got):\n%s", diff)
	}
	for _, query := range []string{"?counts=true", "?counts=true&online=true"} {
		if body := r.do("GET", "/devices"+query, "").Body.String(); !strings.Contains(body, `"counts":{"devices":2,`) {
			t.Errorf("%s counts devices of others: %s", query, body)
		}
	}
	if names := r.names("/devices?device_group=offices"); names != nil {
		t.Errorf("devices of offices: %q", names)
	}
	const refused = `{"access_allowed": false}`
	for _, tc := range []struct {
		method, device string
		status         int
	}{
		{"GET", "till", 200}, {"GET", "kiosk", 200}, {"GET", "desk", 403}, {"GET", "none", 403}, {"GET", "a.b", 403},
		{"PUT", "till", 403}, {"PUT", "kiosk", 200}, {"PUT", "desk", 403}, {"PUT", "none", 403},
		{"PATCH", "till", 403}, {"PATCH", "kiosk", 200},
		{"DELETE", "till", 403}, {"DELETE", "desk", 403}, {"DELETE", "none", 403}, {"DELETE", "kiosk", 200},
	} {
		body := `{"note": "x"}`
		if tc.method == "GET" || tc.method == "DELETE" {
			body = ""
		}
		w := r.do(tc.method, "/devices/"+tc.device, body)
		if w.Code != tc.status || tc.status == 403 && strings.TrimSpace(w.Body.String()) != strings.ReplaceAll(refused, " ", "") {
			t.Errorf("%s %s: %d %s, want %d", tc.method, tc.device, w.Code, w.Body, tc.status)
		}
	}
}
