package api_test

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"muster/manager/authority"
	"muster/manager/store"
)

func TestAuthorities(t *testing.T) {
	m := newManager(t)
	var made authority.Info
	if err := json.Unmarshal(m.do("POST", "/authorities/roll", "").Body.Bytes(), &made); err != nil || made.ID != "2" || made.By != user || !made.Issues {
		t.Fatalf("%+v, %v", made, err)
	}
	for n, state := range []store.IdentityState{store.IdentityActive, store.IdentityRevoked} {
		_, err := m.store.Identities().Create(t.Context(), store.Identity{
			Device: fmt.Sprint("till-", n), DeviceGroup: "fleet", State: state, Revoked: time.Now(),
			Certificates: []store.IssuedCertificate{{Serial: "7f", Authority: "1", NotAfter: time.Now().Add(time.Hour)}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		"/authorities":   `"subject":"Muster CA 1 `,
		"/authorities/1": `"devices":1`,
		"/authorities/2": `"devices":0`,
	} {
		w := m.do("GET", path, "")
		if w.Code != 200 || !strings.Contains(w.Body.String(), want) || strings.Contains(w.Body.String(), "PRIVATE KEY") || strings.Contains(w.Body.String(), `"key"`) {
			t.Errorf("%s: %d %s, want %s and no key", path, w.Code, w.Body, want)
		}
	}
	w := m.do("POST", "/authorities/1/retire", `{"force": false}`)
	if w.Code != 409 || !strings.Contains(w.Body.String(), "locked out") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	wantJSON(t, m.do("POST", "/authorities/2/retire", `{"force": true}`), 409, `{"error": "authority \"2\": is the one that issues: make the next one first"}`)
	wantJSON(t, m.do("POST", "/authorities/7/retire", `{"force": true}`), 403, `{"authority_exists": false}`)
	wantJSON(t, m.do("GET", "/authorities/7", ""), 403, `{"authority_exists": false}`)
	for _, id := range []string{"01", "x", "-1", "0", "%2e%2e", "1%00"} {
		if w := m.do("GET", "/authorities/"+id, ""); w.Code != 400 || !strings.Contains(w.Body.String(), "invalid_name") {
			t.Errorf("%s: %d %s", id, w.Code, w.Body)
		}
	}
	wantJSON(t, m.do("POST", "/authorities/1/retire", `{"force": "yes"}`), 400, `{"force": "must be true or false, not a string"}`)

	var lists struct{ CRL string }
	if err := json.Unmarshal(m.do("GET", "/authorities/crl?days=2", "").Body.Bytes(), &lists); err != nil {
		t.Fatal(err)
	}
	block, rest := pem.Decode([]byte(lists.CRL))
	first, err := x509.ParseRevocationList(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	left := time.Until(first.NextUpdate)
	if len(first.RevokedCertificateEntries) != 1 || first.RevokedCertificateEntries[0].SerialNumber.Text(16) != "7f" || left < 47*time.Hour || left > 48*time.Hour || len(rest) == 0 {
		t.Errorf("%d revoked, good for %v", len(first.RevokedCertificateEntries), left)
	}
	for _, days := range []string{"0", "91", "x"} {
		if w := m.do("GET", "/authorities/crl?days="+days, ""); w.Code != 400 {
			t.Errorf("days=%s: %d %s", days, w.Code, w.Body)
		}
	}

	var retired authority.Info
	if err := json.Unmarshal(m.do("POST", "/authorities/1/retire", `{"force": true}`).Body.Bytes(), &retired); err != nil || retired.Retired == nil {
		t.Errorf("%+v, %v", retired, err)
	}
	if trail := m.do("GET", "/audit?kind=authority", "").Body.String(); strings.Count(trail, `"action":"r`) != 2 || strings.Contains(trail, "PRIVATE KEY") {
		t.Errorf("the trail is %s", trail)
	}
}
