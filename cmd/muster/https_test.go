package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"muster/test/rig"
)

// REST is served over TLS alone, in HTTP/2 and HTTP/1.1. A new certificate is that of new connections; those that are
// open live on.
func TestHTTPS(t *testing.T) {
	certFile, keyFile, roots := certificateFiles(t)
	s := startServing(t, "--http-addr=", "--https-addr=127.0.0.1:0", "--mqtt-tls-addr=127.0.0.1:0", "--mqtt-wss-addr=127.0.0.1:0", "--mqtt-addr=",
		"--tls-cert-file", certFile, "--tls-key-file", keyFile)
	addr := s.file(httpsAddrFile)
	s.url = "https://" + addr
	if _, err := os.Stat(s.dir + "/" + httpAddrFile); !os.IsNotExist(err) {
		t.Errorf("there is a file for the plain address: %v", err)
	}
	for proto, transport := range map[string]*http.Transport{
		"HTTP/2.0": {ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots}},
		"HTTP/1.1": {TLSClientConfig: &tls.Config{RootCAs: roots}},
	} {
		response, err := (&http.Client{Transport: transport}).Do(s.request("GET", "/api/v2/status", nil))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != 200 || response.Proto != proto {
			t.Errorf("%s %s, want 200 over %s", response.Status, response.Proto, proto)
		}
		transport.CloseIdleConnections()
	}
	if c, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS11}); err == nil {
		_ = c.Close()
		t.Error("TLS 1.1 is spoken")
	}

	open, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	lines := bufio.NewReader(open)
	overOpen := func() {
		t.Helper()
		r := s.request("GET", "/api/v2/status", nil)
		if err := r.Write(open); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(lines, r)
		if err != nil || response.StatusCode != 200 {
			t.Fatalf("over the connection that is open: %v, %v", response, err)
		}
		_ = response.Body.Close()
	}
	overOpen()
	second := rig.WriteCertificate(t, certFile, keyFile, 7*24*time.Hour)
	for _, listener := range []string{addr, s.file(mqttsAddrFile), s.file(wssAddrFile)} {
		s.await("the new certificate", func() error { return handshake(listener, second) })
	}
	overOpen()

	roots.AddCert(second)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer client.CloseIdleConnections()
	status, body, err := ask(client, s.request("GET", "/metrics", nil))
	if want := fmt.Sprintf("muster_tls_certificate_expiry_timestamp_seconds %v\n", float64(second.NotAfter.Unix())); err != nil || status != 200 || !strings.Contains(body, want) {
		t.Errorf("%d, %v, and no %s", status, err, want)
	}
	if log := s.log.String(); !strings.Contains(log, "ends soon") || strings.Contains(log, "in the clear") {
		t.Errorf("want a warning of the end, and none of credentials in the clear:\n%s", log)
	}
}

// handshake fails unless the listener shows that certificate.
func handshake(addr string, want *x509.Certificate) error {
	roots := x509.NewCertPool()
	roots.AddCert(want)
	c, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: roots})
	if err != nil {
		return err
	}
	defer c.Close()
	if got := c.ConnectionState().PeerCertificates[0].SerialNumber; got.Cmp(want.SerialNumber) != 0 {
		return fmt.Errorf("certificate %v, want %v", got, want.SerialNumber)
	}
	return nil
}

func TestPlainHTTPToTheWorldIsWarnedOf(t *testing.T) {
	s := startServing(t, "--http-addr=0.0.0.0:0")
	if log := s.log.String(); strings.Count(log, "in the clear") != 1 {
		t.Errorf("no warning:\n%s", log)
	}
}
