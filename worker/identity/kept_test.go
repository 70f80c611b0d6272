package identity_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"muster/topics"
	"muster/topics/token"
	"muster/worker/identity"
)

// A renewal that does not speak of the broker leaves the device where it is, and whom it believed from the start it believes on.
func TestWhatARenewalKeeps(t *testing.T) {
	m := newManager(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		q, err := topics.ParseCertificateRequest(body)
		if err != nil {
			t.Error(err)
		}
		reply := m.issue(q, time.Hour)
		reply.RequestID, reply.BrokerURL = q.RequestID, m.url()
		_ = json.NewEncoder(w).Encode(reply)
	}))
	defer server.Close()
	d := m.device(t.TempDir(), func(o *identity.Options) {
		o.EnrollURL, o.Given.BrokerURL, o.Token = server.URL, "", token.New(token.Pin{})
	})
	if err := d.Enroll(within(t)); err != nil {
		t.Fatal(err)
	}
	before, _ := d.Identity()
	if !before.System || before.BrokerURL != m.url() {
		t.Fatalf("it believes the system's authorities: %v, and was told %q", before.System, before.BrokerURL)
	}
	if err := d.Renew(within(t), m.url()); err != nil {
		t.Fatal(err)
	}
	after, _ := d.Identity()
	if !after.System || after.BrokerURL != m.url() || after.Certificate == before.Certificate {
		t.Errorf("it believes the system's authorities: %v, and connects to %q", after.System, after.BrokerURL)
	}
}
