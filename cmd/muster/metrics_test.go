package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"muster/broker/client"
	"muster/broker/client/network"
	"muster/broker/client/network/networktest"
	"muster/topics"
)

// A scrape is what /metrics has answered.
type scrape map[string]*dto.MetricFamily

func (s *serving) scrape() scrape {
	s.t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(s.must(200, "GET", "/metrics", "") + "\n"))
	if err != nil {
		s.t.Fatal(err)
	}
	return families
}

// value is that of the metric with these labels ("name=value" each), or how many values a histogram has.
func (s scrape) value(name string, labels ...string) (float64, error) {
	for _, metric := range s[name].GetMetric() {
		have := make(map[string]bool)
		for _, label := range metric.Label {
			have[label.GetName()+"="+label.GetValue()] = true
		}
		matches := true
		for _, label := range labels {
			matches = matches && have[label]
		}
		if matches {
			return metric.GetCounter().GetValue() + metric.GetGauge().GetValue() + float64(metric.GetHistogram().GetSampleCount()), nil
		}
	}
	return 0, fmt.Errorf("there is no %s %s", name, labels)
}

// awaitValue scrapes until a metric has that value.
func (s *serving) awaitValue(want float64, name string, labels ...string) {
	s.t.Helper()
	s.await(name, func() error {
		got, err := s.scrape().value(name, labels...)
		if err == nil && got != want {
			err = fmt.Errorf("%s %s is %v, want %v", name, labels, got, want)
		}
		return err
	})
}

func TestMetricsNeedALogin(t *testing.T) {
	s := startServing(t, "--auth-token=prometheus-token")
	if status, body, err := s.probe("/metrics"); err != nil || status != 401 || strings.Contains(body, "muster_") {
		t.Errorf("without credentials: %d %s, %v", status, body, err)
	}
	r := s.request(http.MethodGet, "/metrics", nil)
	r.Header.Set("Authorization", "Bearer prometheus-token")
	if status, body, err := ask(http.DefaultClient, r); err != nil || status != 200 || !strings.Contains(body, "muster_build_info") {
		t.Errorf("with a token: %d %s, %v", status, body, err)
	}
	s.must(405, "POST", "/metrics", "")
}

// What happens in a manager is counted: requests, configs, publishes, check-ins, devices.
func TestMetricsOfWhatHappens(t *testing.T) {
	s := startServing(t)
	s.must(200, "POST", "/api/v2/apps/web", `{"docker_image": "nginx:1"}`)
	s.must(200, "POST", "/api/v2/device_groups/shops", `{"apps": ["web"], "cron_jobs": []}`)
	for _, path := range []string{"/", "/nowhere/1", "/api", "/api/v2/nowhere", "/api/v2/apps/web/nowhere"} {
		s.must(404, "GET", path, "")
	}
	s.awaitValue(1, "muster_config_publishes_total", "result=ok")
	s.must(200, "GET", "/api/v2/device_groups/shops/info", "")

	device := dialDevice(t, s, "till-1")
	device.say(topics.DeviceStatus, `{"state": "online", "session": 1, "device_group": "shops", "failing": [{"app": "web", "reason": "x"}], "at": "2026-01-01T00:00:00Z"}`)
	first := device.checkIn(`{"request_id": "1", "device_group": "shops"}`)
	if first.Config == nil {
		t.Fatalf("the first check-in is answered %+v", first)
	}
	for i := range 3 {
		device.checkIn(fmt.Sprintf(`{"request_id": "u%d", "device_group": "shops", "have": {"epoch": %q, "config_id": 1}}`, i, first.Epoch))
	}
	device.checkIn(fmt.Sprintf(`{"request_id": "3", "device_group": "shops", "have": {"epoch": %q, "config_id": 9}}`, first.Epoch))
	device.checkIn(`{"request_id": "4", "device_group": "nobody"}`)
	device.checkIn(`{"request_id": "5"}`)

	s.awaitValue(1, "muster_devices_online")
	s.awaitValue(1, "muster_device_groups_store_behind")
	got := s.scrape()
	for _, want := range []struct {
		value  float64
		name   string
		labels []string
	}{
		{1, "muster_http_request_duration_seconds", []string{"route=/api/v2/apps/{app}", "method=POST", "code=200"}},
		{1, "muster_http_request_duration_seconds", []string{"route=/api/v2/device_groups/{group}/info", "method=GET", "code=200"}},
		{5, "muster_http_request_duration_seconds", []string{"route=none", "method=GET", "code=404"}},
		{1, "muster_configs_made_total", nil},
		{1, "muster_config_publishes_total", []string{"result=ok"}},
		{0, "muster_config_publishes_total", []string{"result=failed"}},
		{1, "muster_checkins_total", []string{"outcome=config"}},
		{3, "muster_checkins_total", []string{"outcome=unchanged"}},
		{1, "muster_checkins_total", []string{"outcome=store_behind"}},
		{2, "muster_checkins_total", []string{"outcome=refused"}},
		{0, "muster_checkins_total", []string{"outcome=dropped"}},
		{1, "muster_devices_known", nil},
		{1, "muster_devices_failing", nil},
		{1, "muster_broker_connected", nil},
		{1, "muster_broker_connections", nil},
		{1, "muster_store_operation_duration_seconds", []string{"kind=app", "operation=create"}},
		{1, "muster_store_operation_duration_seconds", []string{"kind=snapshot", "operation=append"}},
		{1, "muster_build_info", nil},
	} {
		value, err := got.value(want.name, want.labels...)
		if err != nil || value != want.value {
			t.Errorf("%s %s is %v, %v, want %v", want.name, want.labels, value, err, want.value)
		}
	}
	for _, name := range []string{"go_goroutines", "process_open_fds"} {
		if value, err := got.value(name); err != nil || value < 1 {
			t.Errorf("%s is %v, %v", name, value, err)
		}
	}
	s.must(200, "DELETE", "/api/v2/device_groups/shops", "")
	s.awaitValue(1, "muster_config_publishes_total", "result=cleared")
}

// A testDevice speaks for a device.
type testDevice struct {
	t       *testing.T
	name    string
	c       client.Client
	replies chan topics.CheckinReply
}

func dialDevice(t *testing.T, s *serving, name string) *testDevice {
	t.Helper()
	d := &testDevice{t: t, name: name, replies: make(chan topics.CheckinReply, 10)}
	d.c = networktest.Dial(t, network.Options{
		URL: "mqtt://" + s.file(mqttAddrFile), ClientID: name, Username: name, Password: []byte(devicesPassword),
	})
	err := d.c.Subscribe(client.Subscription{Filter: topics.DefaultRoot.Topic(topics.DeviceReply, name), Handler: func(m client.Message) {
		reply, err := topics.ParseCheckinReply(m.Payload)
		if err != nil {
			t.Errorf("a reply: %v", err)
		}
		d.replies <- reply
	}})
	if err != nil {
		t.Fatal(err)
	}
	up := make(chan struct{}, 10)
	d.c.OnUp(func() { up <- struct{}{} })
	<-up
	return d
}

func (d *testDevice) say(kind topics.Kind, payload string) {
	d.t.Helper()
	m := client.Message{Topic: topics.DefaultRoot.Topic(kind, d.name), Payload: []byte(payload), QoS: 1}
	if err := d.c.Publish(d.t.Context(), m); err != nil {
		d.t.Fatal(err)
	}
}

// checkIn returns the reply.
func (d *testDevice) checkIn(payload string) topics.CheckinReply {
	d.t.Helper()
	d.say(topics.DeviceCheckin, payload)
	select {
	case reply := <-d.replies:
		return reply
	case <-time.After(30 * time.Second):
		d.t.Fatalf("no reply to %s", payload)
		return topics.CheckinReply{}
	}
}
