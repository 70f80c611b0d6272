package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/broker/client"
	"muster/broker/client/network"
	"muster/broker/client/network/networktest"
	"muster/test/rig"
)

const (
	alive    = `{"alive":true}`
	ready    = `{"ready":true,"store":true,"broker":true}`
	noStore  = `{"ready":false,"store":false,"broker":true}`
	noBroker = `{"ready":false,"store":true,"broker":false}`
	drained  = `{"ready":false,"store":true,"broker":true}`
)

func TestProbesNeedNoCredentials(t *testing.T) {
	s := startServing(t, "--log-level=debug")
	s.awaitProbe("/healthz", 200, alive)
	s.awaitProbe("/readyz", 200, ready)
	for _, tc := range []struct {
		method, path string
		want         int
	}{
		{"HEAD", "/readyz", 200}, {"HEAD", "/healthz", 200}, {"POST", "/readyz", 405}, {"DELETE", "/healthz", 405},
		{"GET", "/readyz/", 401}, {"GET", "/healthz/x", 401}, {"GET", "//healthz", 401}, {"GET", "/api/v2/status", 401}, {"GET", "/", 401},
	} {
		r := s.request(tc.method, tc.path, nil)
		r.Header.Del("Authorization")
		if got, body, err := ask(http.DefaultClient, r); err != nil || got != tc.want {
			t.Errorf("%s %s: %d %s, %v, want %d", tc.method, tc.path, got, body, err, tc.want)
		}
	}
}

func TestReadinessFollowsTheStore(t *testing.T) {
	s := startServing(t)
	s.awaitProbe("/readyz", 200, ready)
	file := filepath.Join(s.dir, "muster.db")
	if err := os.Rename(file, file+".away"); err != nil {
		t.Fatal(err)
	}
	s.awaitProbe("/readyz", 503, noStore)
	s.awaitProbe("/healthz", 200, alive)
	if err := os.Rename(file+".away", file); err != nil {
		t.Fatal(err)
	}
	s.awaitProbe("/readyz", 200, ready)
	for _, want := range []string{"the store cannot be used", "the store can be used again"} {
		if got := strings.Count(s.log.String(), want); got != 1 {
			t.Errorf("%q is in the log %d times, want once", want, got)
		}
	}
}

func TestReadinessFollowsTheBroker(t *testing.T) {
	broker := rig.Mosquitto(t, rig.MosquittoOptions{})
	s := startServing(t, "--broker-url", broker.URL(), "--reconnect-min=20ms", "--reconnect-max=200ms")
	s.awaitProbe("/readyz", 200, ready)
	broker.Stop()
	s.awaitProbe("/readyz", 503, noBroker)
	s.awaitProbe("/healthz", 200, alive)
	broker.Start()
	s.awaitProbe("/readyz", 200, ready)
}

// A load balancer is told first; who is served anyway meanwhile, is served.
func TestDraining(t *testing.T) {
	s := startServing(t, "--drain-time=2s")
	s.awaitProbe("/readyz", 200, ready)
	s.stop()
	s.awaitProbe("/readyz", 503, drained)
	s.must(200, "GET", "/api/v2/status", "")
	s.wait()
}

// A request that is under way at the end is answered, and what it changes still goes out.
func TestStoppedDuringAChange(t *testing.T) {
	broker := rig.Mosquitto(t, rig.MosquittoOptions{})
	s := startServing(t, "--broker-url", broker.URL())
	s.awaitProbe("/readyz", 200, ready)
	s.must(200, "POST", "/api/v2/apps/web", `{"docker_image": "nginx:1"}`)

	body, rest := io.Pipe()
	underWay := make(chan struct{}) // the API reads the body
	answered := make(chan string, 1)
	go func() {
		r := s.request("POST", "/api/v2/device_groups/shops", body)
		r.Header.Set("Expect", "100-continue")
		r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{Got100Continue: func() { close(underWay) }}))
		status, text, err := ask(&http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute}}, r)
		answered <- fmt.Sprint(status, " ", text, " ", err)
	}()
	<-underWay
	s.stop()
	s.await("the listener to go", func() error {
		if c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://")); err == nil {
			_ = c.Close()
			return fmt.Errorf("still listening")
		}
		return nil
	})
	_, _ = io.WriteString(rest, `{"apps": ["web"], "cron_jobs": []}`)
	_ = rest.Close()
	if got := <-answered; !strings.HasPrefix(got, "200 ") {
		t.Errorf("the request under way got %s", got)
	}
	s.wait()

	heard := make(chan string, 10)
	viewer := networktest.Dial(t, network.Options{URL: broker.URL(), ClientID: "viewer"})
	err := viewer.Subscribe(client.Subscription{Filter: "muster/v1/groups/shops/config", Handler: func(m client.Message) { heard <- string(m.Payload) }})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-heard:
		if !strings.Contains(got, "nginx:1") {
			t.Errorf("the broker retains %s", got)
		}
	case <-time.After(30 * time.Second):
		t.Error("the broker retains no config")
	}
}
