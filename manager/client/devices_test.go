package client_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	mqtt "muster/broker/client"
	"muster/manager/api/apitest"
	"muster/manager/client"
	"muster/manager/store"
	"muster/topics"
	"muster/topics/token"
)

// Devices are listed in order, page after page, counted, and annotated.
func TestDevicesOfAManager(t *testing.T) {
	server := apitest.Start(t)
	c, ctx := connect(t, server.URL, nil), t.Context()
	const many = client.MaxPage + 5
	for i := range many {
		s := topics.Status{State: topics.Online, Session: 1, DeviceGroup: "shops", Phase: topics.PhaseSettled, At: time.Now()}
		if i == 7 {
			s.Failing = []topics.Failure{{App: "web", Code: topics.ReasonPortTaken, Reason: "80"}}
		}
		payload, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		topic := topics.DefaultRoot.Topic(topics.DeviceStatus, "d"+strconv.Itoa(10000+i))
		if err := server.Bus.Publish(ctx, mqtt.Message{Topic: topic, Payload: payload, QoS: 1, Retain: true}); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(30 * time.Second); server.Devices.Counts().Devices != many; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the manager knows of %+v", server.Devices.Counts())
		}
	}
	n := 0
	for d, err := range c.Devices(ctx, client.DeviceQuery{DeviceGroup: "shops"}) {
		if want := "d" + strconv.Itoa(10000+n); err != nil || d.Device != want {
			t.Fatalf("device %d is %s, %v, want %s", n, d.Device, err, want)
		}
		n++
	}
	if n != many {
		t.Errorf("%d devices are listed, want %d", n, many)
	}
	yes := true
	page, err := c.CountDevices(ctx, client.DeviceQuery{Failing: &yes, FailingApp: "web", After: "d10006"}, 1)
	if err != nil || page.Counts.Devices != 1 || len(page.Devices) != 1 || page.Devices[0].Device != "d10007" {
		t.Errorf("%+v, %v", page, err)
	}

	north, note := "north", "cracked"
	for _, change := range []client.Annotation{{Labels: map[string]*string{"site": &north, "a": &north}, Note: &note}, {Labels: map[string]*string{"a": nil}}} {
		if _, err := c.AnnotateDevice(ctx, "d10003", change); err != nil {
			t.Fatal(err)
		}
	}
	d, err := c.Device(ctx, "d10003")
	if err != nil || len(d.Labels) != 1 || d.Labels["site"] != "north" || d.Note != "cracked" {
		t.Errorf("%+v, %v", d, err)
	}
	page, err = c.CountDevices(ctx, client.DeviceQuery{Labels: []string{"site=north"}}, 1)
	if err != nil || page.Counts.Devices != 1 {
		t.Errorf("with the label: %+v, %v", page, err)
	}
	if err := c.DeleteDevice(ctx, "d10003"); err != nil {
		t.Error(err)
	}
	for _, err := range []error{c.DeleteDevice(ctx, "d10003"), second(c.Device(ctx, "d10003")), second(c.AnnotateDevice(ctx, "d10003", client.Annotation{Note: &note}))} {
		if !errors.Is(err, client.ErrNotFound) || err.Error() != `device "d10003" does not exist` {
			t.Errorf("after it was deleted: %v", err)
		}
	}
}

// A manager that knows of no counts is told apart from one that has counted none.
func TestCountsThatAreMissing(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"devices": []}`) }))
	defer server.Close()
	if page, err := connect(t, server.URL, nil).CountDevices(t.Context(), client.DeviceQuery{}, 1); err == nil {
		t.Errorf("the answer is taken for %+v", page)
	}
}

func TestSecretsOfDevices(t *testing.T) {
	server, ctx := apitest.Start(t), t.Context()
	c := connect(t, server.URL, nil)
	if _, err := c.DeviceGroups().Create(ctx, "meters", store.DeviceGroup{Apps: []string{}, CronJobs: []string{}}); err != nil {
		t.Fatal(err)
	}
	secret, err := c.MakeDeviceSecret(ctx, "m1", client.NewSecret{DeviceGroup: "meters"})
	if err != nil {
		t.Fatal(err)
	}
	if i, err := server.Store.Identities().Get(ctx, "m1"); err != nil || !token.Matches(i.SecretHash, secret) || i.DeviceGroup != "meters" {
		t.Errorf("the identity is %+v, %v", i, err)
	}
	_, err = server.Store.Identities().Modify(ctx, "m1", func(i *store.Identity) error { i.PublicKey = []byte("key"); return nil })
	if err != nil {
		t.Fatal(err)
	}
	const why = `make a secret for device "m1": the device has a key, which a secret in its place would shut out: replace_key must be true for that`
	if secret, err = c.MakeDeviceSecret(ctx, "m1", client.NewSecret{}); err == nil || secret != "" || err.Error() != why {
		t.Errorf("of a device with a key: %v", err)
	}
	if _, err = c.MakeDeviceSecret(ctx, "m1", client.NewSecret{ReplaceKey: true}); err != nil {
		t.Errorf("in the place of a key: %v", err)
	}
}
