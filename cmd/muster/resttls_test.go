package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/cmd/internal/program"
	"muster/test/rig"
	"muster/topics/token"
)

// Over TLS as it is by default: ca.pem is all that a client needs, a new device's token has the pin of an authority in it, and a
// certificate is no credential.
func TestRESTOverTLS(t *testing.T) {
	s := startServing(t, "--https-addr=127.0.0.1:0")
	s.url = "https://" + s.file(httpsAddrFile)
	roots, pins := s.fleetRoots(), map[token.Pin]bool{}
	authorities := []byte(s.file(rootsFile))
	for block, rest := pem.Decode(authorities); block != nil; block, rest = pem.Decode(rest) {
		one, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		pins[token.PinOf(one.RawSubjectPublicKeyInfo)] = true
	}
	certFile, keyFile := filepath.Join(t.TempDir(), "device.pem"), filepath.Join(t.TempDir(), "device.key")
	rig.WriteCertificate(t, certFile, keyFile, time.Hour)
	own, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{own}}}}
	defer client.CloseIdleConnections()
	ask := func(method, path, body string, known bool) (status int, header http.Header, answer []byte) {
		t.Helper()
		r := s.request(method, path, strings.NewReader(body))
		if !known {
			r.Header.Del("Authorization")
		}
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var all bytes.Buffer
		if _, err := all.ReadFrom(response.Body); err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, response.Header, all.Bytes()
	}
	if status, _, _ := ask("GET", "/api/v2/apps", "", false); status != 401 {
		t.Errorf("with nothing but a certificate: %d", status)
	}
	status, header, _ := ask("POST", "/api/v2/device_groups/shops", `{"apps": [], "cron_jobs": []}`, true)
	if status != 200 || header.Get("Strict-Transport-Security") == "" {
		t.Errorf("as the admin: %d, header %v", status, header)
	}
	var made struct{ Token string }
	_, _, answer := ask("POST", "/api/v2/tokens", `{"kind": "enroll", "device_group": "shops"}`, true)
	if err := json.Unmarshal(answer, &made); err != nil {
		t.Fatal(err)
	}
	if shown, err := token.Parse(made.Token); err != nil || !pins[shown.Pin] {
		t.Errorf("%s, %v: the token's pin is that of no authority in %s", answer, err, rootsFile)
	}

	// An admin logs in with that file, and with an API token.
	_, _, answer = ask("POST", "/api/v2/tokens", `{"kind": "api", "name": "ci", "admin": true}`, true)
	if err := json.Unmarshal(answer, &made); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("MUSTER_TOKEN", made.Token)
	muster := func(args ...string) (code int, said string) {
		var out bytes.Buffer
		return program.Run(newRoot(&out, &out), args, &out), out.String()
	}
	if code, said := muster("login", "--url", s.url); code != 1 {
		t.Errorf("without the file: %d %s", code, said)
	}
	if code, said := muster("login", "--url", s.url, "--ca-file", filepath.Join(s.dir, rootsFile)); code != 0 {
		t.Errorf("login: %d %s", code, said)
	}
	t.Setenv("MUSTER_TOKEN", "")
	if code, said := muster("get", "device_groups"); code != 0 || !strings.Contains(said, "shops") {
		t.Errorf("afterwards: %d %s", code, said)
	}
}
