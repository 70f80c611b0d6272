package topics_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"muster/topics"
)

// valid returns a function that fails the test on an error.
func valid(t *testing.T) func(error) {
	return func(err error) {
		t.Helper()
		if err != nil {
			t.Errorf("refused: %v", err)
		}
	}
}

// bad returns a function that fails the test unless the error names that field.
func bad(t *testing.T) func(err error, field string) {
	return func(err error, field string) {
		t.Helper()
		var fe *topics.FieldError
		if !errors.As(err, &fe) || fe.Field != field {
			t.Errorf("error is %v, want one that names the field %q", err, field)
		}
	}
}

var at = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.FixedZone("", 3600))

func content() topics.Content {
	app := topics.NewApp("web", "127.0.0.1:5000/hello:1")
	app.StartingPorts = topics.Ports{{Host: 80, Container: 80}, {Host: 81, Container: 8080}}
	app.EnvVars = topics.EnvVars{"B": "<2>", "A": `"1"`}
	return topics.Content{DeviceGroup: "shops", DeviceGroupID: 3, PruneID: 1, Apps: []topics.App{app}, AppsList: []string{"web"}}
}

func encode(t *testing.T, c topics.Content) []byte {
	t.Helper()
	payload, err := topics.EncodeConfig(topics.Version{Epoch: epoch1, ConfigID: 7}, at, c)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// The bytes of a config are what devices in the field compare and store: they must not change.
const goldenConfig = `{"epoch":"01JD0000000000000000000000","config_id":7,"issued_at":"2026-03-01T11:00:00.123Z",` +
	`"sha256":"DIGEST","device_group":"shops","device_group_id":3,"prune_id":1,"apps":[{"app_id":1,"app_name":"web",` +
	`"docker_image":"127.0.0.1:5000/hello:1","starting_ports":[80,{"81":"8080"}],"containers_per":{"server":1},` +
	`"env_vars":{"A":"\"1\"","B":"\u003c2\u003e"},"running":true,"networks":["nebula","bridge"],"volumes":[],"devices":[],` +
	`"privileged":false,"rolling_restart":false}],"apps_list":["web"],"cron_jobs":[],"cron_jobs_list":[]}`

func TestEncodeConfigIsStable(t *testing.T) {
	digest, err := topics.ContentDigest(content())
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(goldenConfig, "DIGEST", digest, 1)
	if diff := cmp.Diff(want, string(encode(t, content()))); diff != "" {
		t.Error(diff)
	}
	changed := content()
	changed.Apps[0].AppID++
	if other, _ := topics.ContentDigest(changed); other == digest {
		t.Error("the digest does not cover app_id")
	}
}

func TestConfigRoundTrip(t *testing.T) {
	payload := encode(t, content())
	got, err := topics.ParseConfig(payload)
	if err != nil {
		t.Fatal(err)
	}
	again, err := topics.EncodeConfig(got.Version, got.IssuedAt, got.Content)
	if err != nil || !bytes.Equal(again, payload) {
		t.Errorf("encoded again: %s, %v\nwant %s", again, err, payload)
	}
	// Members that a newer manager adds are ignored, in the header and in the content alike, as long as the
	// digest covers the content as it was sent.
	newer := bytes.Replace(payload, []byte(`{"epoch"`), []byte(`{"signature":"x","epoch"`), 1)
	if _, err := topics.ParseConfig(newer); err != nil {
		t.Errorf("with an unknown member: %v", err)
	}
}

func TestParseConfigRefuses(t *testing.T) {
	bad := bad(t)
	parse := func(payload []byte) error { _, err := topics.ParseConfig(payload); return err }
	change := func(old, new string) []byte {
		t.Helper()
		payload := encode(t, content())
		if !bytes.Contains(payload, []byte(old)) {
			t.Fatalf("no %q in %s", old, payload)
		}
		return bytes.Replace(payload, []byte(old), []byte(new), 1)
	}
	bad(parse(nil), "payload")
	bad(parse([]byte("nonsense")), "payload")
	bad(parse([]byte("[]")), "payload")
	bad(parse([]byte("{}")), "epoch")
	bad(parse(encode(t, content())[:200]), "payload")
	bad(parse(bytes.Repeat([]byte(" "), topics.MaxPayload+1)), "payload")
	bad(parse(change(`"config_id":7`, `"config_id":"7"`)), "config_id")
	bad(parse(change(`"config_id":7`, `"config_id":0`)), "config_id")
	bad(parse(change(`"shops"`, `"a/b"`)), "device_group")
	bad(parse(change(`"running":true`, `"running":1`)), "apps.running")
	bad(parse(change(`"server":1`, `"server":0`)), "containers_per.server")
	bad(parse(change(`[80,`, `[0,`)), "starting_ports")
	bad(parse(change(`"app_name":"web"`, `"app_name":"-web"`)), "apps[0].app_name")
	bad(parse(change(`"prune_id":1`, `"prune_id":2`)), "sha256")
	bad(parse(change(`hello:1`, `hello:2`)), "sha256")

	twice := content()
	twice.Apps = append(twice.Apps, twice.Apps[0])
	_, err := topics.EncodeConfig(topics.Version{Epoch: epoch1, ConfigID: 7}, at, twice)
	bad(err, "apps[1].app_name")

	large := content()
	large.Apps[0].EnvVars = topics.EnvVars{"X": strings.Repeat("x", topics.MaxConfig)}
	_, err = topics.EncodeConfig(topics.Version{Epoch: epoch1, ConfigID: 7}, at, large)
	bad(err, "config")
}

func TestAppCheck(t *testing.T) {
	valid, bad := valid(t), bad(t)
	with := func(change func(*topics.App)) error {
		app := topics.NewApp("web", "hello")
		change(&app)
		return app.Check()
	}
	valid(with(func(*topics.App) {}))
	valid(with(func(a *topics.App) { a.Networks = []string{} }))
	valid(with(func(a *topics.App) { a.Networks = []string{"host"} }))
	valid(with(func(a *topics.App) { a.Volumes = []string{"/a:/b", "data:/b:ro", "/a:/b:rw"} }))
	valid(with(func(a *topics.App) { a.Devices = []string{"/dev/a:/dev/b", "/dev/a:/dev/b:rw"} }))
	valid(with(func(a *topics.App) { a.ContainersPer = topics.ContainersPer{Unit: "cpu", Count: 0.5} }))
	bad(with(func(a *topics.App) { a.AppName = "" }), "app_name")
	bad(with(func(a *topics.App) { a.AppName = ".a" }), "app_name")
	bad(with(func(a *topics.App) { a.AppName = strings.Repeat("a", topics.MaxAppName+1) }), "app_name")
	bad(with(func(a *topics.App) { a.AppID = 0 }), "app_id")
	bad(with(func(a *topics.App) { a.DockerImage = " " }), "docker_image")
	bad(with(func(a *topics.App) { a.StartingPorts = topics.Ports{{Host: 70000, Container: 1}} }), "starting_ports")
	bad(with(func(a *topics.App) { a.ContainersPer = topics.ContainersPer{Unit: "core", Count: 1} }), "containers_per")
	bad(with(func(a *topics.App) { a.ContainersPer = topics.ContainersPer{Unit: "server", Count: 1.5} }), "containers_per.server")
	bad(with(func(a *topics.App) { a.ContainersPer = topics.ContainersPer{Unit: "memory", Count: -1} }), "containers_per.memory")
	bad(with(func(a *topics.App) { a.EnvVars = topics.EnvVars{"A=B": "x"} }), "env_vars.A=B")
	bad(with(func(a *topics.App) { a.Networks = []string{"host", "nebula"} }), "networks")
	bad(with(func(a *topics.App) { a.Networks = []string{""} }), "networks")
	bad(with(func(a *topics.App) { a.Volumes = []string{"/a"} }), "volumes")
	bad(with(func(a *topics.App) { a.Volumes = []string{"/a:b"} }), "volumes")
	bad(with(func(a *topics.App) { a.Volumes = []string{"/a:/b:rx"} }), "volumes")
	bad(with(func(a *topics.App) { a.Devices = []string{"/dev/a:/dev/b:x"} }), "devices")
}

func TestFieldsKeepTheFormTheyWereWrittenIn(t *testing.T) {
	for _, doc := range []string{
		`{"starting_ports":[80,{"81":"81"},{"82":"8082"}],"containers_per":{"mem":512},"env_vars":{}}`,
		`{"starting_ports":[],"containers_per":{"cpu":0.5},"env_vars":[]}`,
		`{"starting_ports":[],"containers_per":{"instance":2},"env_vars":{"A":"1","B":""}}`,
	} {
		var fields struct {
			StartingPorts topics.Ports         `json:"starting_ports"`
			ContainersPer topics.ContainersPer `json:"containers_per"`
			EnvVars       topics.EnvVars       `json:"env_vars"`
		}
		if err := json.Unmarshal([]byte(doc), &fields); err != nil {
			t.Errorf("%s: %v", doc, err)
		}
		if got, err := json.Marshal(fields); err != nil || string(got) != doc {
			t.Errorf("%s comes back as %s, %v", doc, got, err)
		}
	}
}

func TestFieldsRefuseWrongTypes(t *testing.T) {
	for _, tc := range []struct {
		into  any
		doc   string
		field string
		cause error
	}{
		{new(topics.Ports), `"80"`, "starting_ports", topics.ErrPortList},
		{new(topics.Ports), `["x"]`, "starting_ports", topics.ErrPortList},
		{new(topics.Ports), `[[80]]`, "starting_ports", topics.ErrPortList},
		{new(topics.Ports), `[80.5]`, "starting_ports", topics.ErrPortList},
		{new(topics.Ports), `[{"80":"x"}]`, "starting_ports", topics.ErrPortList},
		{new(topics.Ports), `[{"80":"1","81":"2"}]`, "starting_ports", topics.ErrPortList},
		{new(topics.Ports), `[0]`, "starting_ports", topics.ErrPort},
		{new(topics.Ports), `[65536]`, "starting_ports", topics.ErrPort},
		{new(topics.Ports), `[{"80":"65536"}]`, "starting_ports", topics.ErrPort},
		{new(topics.ContainersPer), `1`, "containers_per", nil},
		{new(topics.ContainersPer), `{}`, "containers_per", nil},
		{new(topics.ContainersPer), `{"server":1,"cpu":1}`, "containers_per", nil},
		{new(topics.ContainersPer), `{"server":true}`, "containers_per", nil},
		{new(topics.EnvVars), `["A=1"]`, "env_vars", nil},
		{new(topics.EnvVars), `"A"`, "env_vars", nil},
		{new(topics.EnvVars), `{"A":{}}`, "env_vars.A", nil},
		{new(topics.EnvVars), `{"A":null}`, "env_vars.A", nil},
	} {
		err := json.Unmarshal([]byte(tc.doc), tc.into)
		bad(t)(err, tc.field)
		if tc.cause != nil && !errors.Is(err, tc.cause) {
			t.Errorf("%s: error is %v, want %v", tc.doc, err, tc.cause)
		}
	}
}

func TestContainers(t *testing.T) {
	for _, tc := range []struct {
		unit  string
		count float64
		want  int // on a device with 4 cores and 1000 MB
	}{
		{"server", 1, 1}, {"instance", 3, 3}, {"cpu", 1, 4}, {"cpu", 0.3, 1}, {"cpu", 0.2, 0}, {"memory", 300, 3}, {"mem", 1001, 0},
		{"memory", 1e-300, math.MaxInt32}, // and not what a processor makes of it
	} {
		if got := (topics.ContainersPer{Unit: tc.unit, Count: tc.count}).Containers(4, 1000); got != tc.want {
			t.Errorf("{%q: %v} is %d containers, want %d", tc.unit, tc.count, got, tc.want)
		}
	}
}

func TestCheckinRequest(t *testing.T) {
	valid, bad := valid(t), bad(t)
	for _, doc := range []string{
		`{"request_id":"1","device_group":"shops"}`,
		`{"request_id":"1","device_group":"shops","have":{"epoch":"","config_id":0},"later":true}`,
		`{"request_id":"1","device_group":"shops","have":{"epoch":"` + epoch1 + `","config_id":3},"boot":"b","seq":4}`,
	} {
		_, err := topics.ParseCheckinRequest([]byte(doc))
		valid(err)
	}
	for _, tc := range []struct{ doc, field, id string }{
		{`x`, "payload", ""},
		{`{"device_group":"shops"}`, "request_id", ""},
		{`{"request_id":"","device_group":"shops"}`, "request_id", ""},
		{`{"request_id":"` + strings.Repeat("1", 65) + `","device_group":"shops"}`, "request_id", ""},
		{`{"request_id":"a\nb","device_group":"shops"}`, "request_id", ""},
		{`{"request_id":7,"device_group":"shops"}`, "request_id", ""},
		{`{"request_id":"1"}`, "device_group", "1"},
		{`{"request_id":"1","device_group":7}`, "device_group", "1"},
		{`{"request_id":"1","device_group":"shops","have":{"epoch":"x","config_id":1}}`, "have.epoch", "1"},
		{`{"request_id":"1","device_group":"shops","have":{"epoch":"` + epoch1 + `"}}`, "have.config_id", "1"},
		{`{"request_id":"1","device_group":"shops","boot":"` + strings.Repeat("1", 65) + `"}`, "boot", "1"},
		{`{"request_id":"1","device_group":"shops","seq":-1}`, "seq", "1"},
	} {
		got, err := topics.ParseCheckinRequest([]byte(tc.doc))
		bad(err, tc.field)
		if got.RequestID != tc.id {
			t.Errorf("%s: request_id %q comes back, want %q", tc.doc, got.RequestID, tc.id)
		}
	}
	_, err := topics.CheckinRequest{DeviceGroup: "shops"}.Encode()
	bad(err, "request_id")
}

func TestCheckinReply(t *testing.T) {
	config := encode(t, content())
	version := topics.Version{Epoch: epoch1, ConfigID: 7}
	for _, want := range []topics.CheckinReply{
		{RequestID: "1", Version: version, Unchanged: true, NextIn: 30},
		{RequestID: "1", Version: version, Unchanged: true, StoreBehind: true},
		{RequestID: "1", Version: version, Config: config},
		{Error: "request_id: must have 1 to 64 characters, has 0"},
	} {
		payload, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := topics.ParseCheckinReply(payload)
		if err != nil {
			t.Errorf("%s: %v", payload, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", payload, diff)
		}
		if got.Config != nil {
			if _, err := topics.ParseConfig(got.Config); err != nil {
				t.Errorf("the config inside a reply: %v", err)
			}
		}
	}
	bad := bad(t)
	for _, tc := range []struct{ doc, field string }{
		{`{"request_id":"1"}`, "unchanged"},
		{`{"request_id":"1","unchanged":true,"error":"x"}`, "unchanged"},
		{`{"request_id":"1","unchanged":true}`, "epoch"},
		{`{"request_id":"1","unchanged":true,"epoch":"` + epoch1 + `","config_id":1,"next_in":-1}`, "next_in"},
		{`{"request_id":"1","unchanged":"yes"}`, "unchanged"},
	} {
		_, err := topics.ParseCheckinReply([]byte(tc.doc))
		bad(err, tc.field)
	}
}

func TestLargestConfigFitsIntoAReply(t *testing.T) {
	c := content()
	c.Apps[0].EnvVars = topics.EnvVars{"X": ""}
	room := topics.MaxConfig - len(encode(t, c))
	c.Apps[0].EnvVars = topics.EnvVars{"X": strings.Repeat("x", room)}
	config := encode(t, c)
	reply := topics.CheckinReply{
		RequestID: strings.Repeat("\\", topics.MaxRequestID), Version: topics.Version{Epoch: epoch1, ConfigID: 1 << 62},
		StoreBehind: true, NextIn: 1 << 62, Config: config,
	}
	payload, err := reply.Encode()
	if err != nil || len(config) != topics.MaxConfig || len(payload) > topics.MaxPayload {
		t.Errorf("a config of %d bytes makes a reply of %d, %v", len(config), len(payload), err)
	}
}

func TestStatus(t *testing.T) {
	long := topics.Status{
		State: topics.Online, Session: 5, DeviceGroup: "shops", Version: topics.Version{Epoch: epoch1, ConfigID: 7}, At: at,
	}
	for range 2 * topics.MaxFailing {
		long.Failing = append(long.Failing, topics.Failure{App: "web", Reason: strings.Repeat("ü\n", topics.MaxReason)})
	}
	payload, err := long.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := topics.ParseStatus(payload)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Failing) != topics.MaxFailing {
		t.Errorf("%d failing apps, want %d", len(got.Failing), topics.MaxFailing)
	}
	for _, f := range got.Failing {
		if len(f.Reason) > topics.MaxReason || strings.Contains(f.Reason, "\n") || !utf8.ValidString(f.Reason) || len(f.Reason) < topics.MaxReason-4 {
			t.Errorf("reason is %d bytes: %q", len(f.Reason), f.Reason)
		}
	}
	bad := bad(t)
	for _, tc := range []struct{ doc, field string }{
		{`x`, "payload"},
		{`{"state":"gone","device_group":"g"}`, "state"},
		{`{"state":"online","device_group":"g","session":-1}`, "session"},
		{`{"state":"online","session":1}`, "device_group"},
		{`{"state":"online","device_group":"g","epoch":"x"}`, "epoch"},
		{`{"state":"online","device_group":"g","at":"yesterday"}`, "at"},
	} {
		_, err := topics.ParseStatus([]byte(tc.doc))
		bad(err, tc.field)
	}
}

func TestPresenceProgressSummary(t *testing.T) {
	valid, bad := valid(t), bad(t)
	_, err := topics.ParsePresence([]byte(`{"state":"online","at":"2026-03-01T11:00:00Z"}`))
	valid(err)
	_, err = topics.ParsePresence([]byte(`{"state":"away"}`))
	bad(err, "state")
	_, err = topics.Presence{}.Encode()
	bad(err, "state")

	_, err = topics.ParseProgress([]byte(`{"app":"web","phase":"pull","done":1,"total":2}`))
	valid(err)
	_, err = topics.ParseProgress([]byte(`{"app":"","phase":"pull"}`))
	bad(err, "app")
	_, err = topics.ParseProgress([]byte(`{"cron_job":"clean","phase":"pull"}`))
	valid(err)
	_, err = topics.ParseProgress([]byte(`{"cron_job":"a/b","phase":"pull"}`))
	bad(err, "cron_job")
	_, err = topics.ParseProgress([]byte(`{"app":"web","cron_job":"clean","phase":"pull"}`))
	bad(err, "cron_job")
	_, err = topics.ParseProgress([]byte(`{"app":"web"}`))
	bad(err, "phase")
	_, err = topics.ParseProgress([]byte(`{"app":"web","phase":"pull","done":-1}`))
	bad(err, "done")
	_, err = topics.Progress{App: "web"}.Encode()
	bad(err, "phase")

	payload, err := topics.Summary{DeviceGroup: "shops", Online: 2, ConfigIDs: map[string]int64{"7": 2}, At: at}.Encode()
	valid(err)
	summary, err := topics.ParseSummary(payload)
	valid(err)
	if summary.Online != 2 || summary.ConfigIDs["7"] != 2 {
		t.Errorf("%s comes back as %+v", payload, summary)
	}
	_, err = topics.ParseSummary([]byte(`{"device_group":"a/b"}`))
	bad(err, "device_group")
	_, err = topics.ParseSummary([]byte(`{"online":"many"}`))
	bad(err, "online")
}
