package identity_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"muster/topics"
	"muster/worker/identity"
)

func TestEnrollmentOverHTTPS(t *testing.T) {
	m := newManager(t)
	var asked atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.URL.Path != "/api/v2/enroll" {
			t.Errorf("asked is %s %s, %v", r.Method, r.URL, err)
		}
		q, err := topics.ParseCertificateRequest(body)
		if err != nil || q.Token != m.token.Text() {
			t.Errorf("the request is %v with another token, or none", err)
		}
		if n := asked.Add(1); n <= 2 {
			http.Error(w, "busy", []int{http.StatusServiceUnavailable, http.StatusTooManyRequests}[n-1])
			return
		}
		reply := m.issue(q, time.Hour)
		reply.RequestID, reply.BrokerURL = q.RequestID, m.url()
		_ = json.NewEncoder(w).Encode(reply)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{m.server}, MinVersion: tls.VersionTLS13}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	server.StartTLS()
	defer server.Close()
	url := func(o *identity.Options) { o.EnrollURL, o.Given.BrokerURL = server.URL, "" }
	d := m.device(t.TempDir(), url)
	if err := d.Enroll(within(t)); err != nil {
		t.Fatal(err)
	}
	// The manager has told where the broker is.
	c := d.connect(t, "mqtts://broker.invalid")
	eventually(t, "the device is connected", c.Connected)
}

func TestRefusalsOverHTTPS(t *testing.T) {
	m := newManager(t)
	var elsewhere atomic.Int64
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer trap.Close()
	for name, test := range map[string]struct {
		status  int
		body    string
		refused string
	}{
		"by the manager":         {http.StatusOK, `{"request_id":"1","state":"refused","error":"the token has ended"}`, "the token has ended"},
		"by the manager, as 403": {http.StatusForbidden, `{"request_id":"1","state":"refused","error":"the token has ended"}`, "the token has ended"},
		"by something else":      {http.StatusNotFound, "no such page", "404"},
		"sent elsewhere":         {http.StatusTemporaryRedirect, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int64
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				w.Header().Set("Location", trap.URL)
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			}))
			server.TLS = &tls.Config{Certificates: []tls.Certificate{m.server}, MinVersion: tls.VersionTLS13}
			server.StartTLS()
			defer server.Close()
			d := m.device(t.TempDir(), func(o *identity.Options) { o.EnrollURL = server.URL })
			ctx, cancel := context.WithCancel(within(t))
			defer cancel()
			if test.refused == "" {
				go func() {
					for asked.Load() < 2 && ctx.Err() == nil {
						time.Sleep(time.Millisecond)
					}
					cancel()
				}()
			}
			err := d.Enroll(ctx)
			refused, is := errors.AsType[*identity.RefusedError](err)
			if is != (test.refused != "") || is && !strings.Contains(refused.Why, test.refused) {
				t.Errorf("the end is %v", err)
			}
			if elsewhere.Load() > 0 {
				t.Error("the token was taken elsewhere")
			}
		})
	}
}

func TestEnrollURLs(t *testing.T) {
	for url, want := range map[string]string{
		"https://manager.example:8443": "", "https://manager.example/prefix": "", "http://127.0.0.1:8080": "", "http://localhost": "",
		"http://manager.example": "must start with https://", "manager.example:8443": "must be a manager's URL", "": "must be a manager's URL",
		"https://u:p@manager.example": "must be a manager's URL", "https://manager.example/?a=b": "must be a manager's URL", "ftp://127.0.0.1": "must start with https://",
	} {
		if err := identity.CheckEnrollURL(url); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", url, err)
		}
	}
	for url, want := range map[string]string{
		"mqtts://b": "", "wss://b/mqtt": "", "mqtt://127.0.0.1": "", "ws://[::1]:80": "", "mqtt://localhost:1883": "", "MQTTS://b": "",
		"mqtt://b": "token is a secret", "ws://b": "token is a secret", "mqtt://127.0.0.1.example": "token is a secret", "x://b": "must start with",
	} {
		if err := identity.CheckEnroll(url); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", url, err)
		}
	}
}
