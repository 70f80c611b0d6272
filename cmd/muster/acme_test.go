package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"muster/test/rig"
	"muster/topics"
)

// A real ACME server issues a certificate after it has asked the manager's own TLS listener; it is shown to those who ask for that name, is
// renewed without ending a connection, and is there again after a restart. All others are shown the fleet's own, as before.
func TestACME(t *testing.T) {
	port := rig.FreePorts(t, 1)
	server := rig.Pebble(t, port, 12*time.Second)
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	args := []string{"--https-addr", addr, "--acme-domains=manager.example", "--acme-email=ops@example.com", "--acme-directory", server.Directory, "--acme-ca-file", server.CAFile}
	s := startServing(t, args...)
	roots := acmeRoots(t, server)
	shown := func(addr string) (serial string, err error) {
		c, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: roots, ServerName: "manager.example"})
		if err != nil {
			return "", err
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].SerialNumber.String(), nil
	}
	var first string
	s.await("the certificate", func() (err error) {
		first, err = shown(addr)
		return err
	})
	if other, err := shown(s.file(mqttsAddrFile)); err != nil || other != first {
		t.Errorf("MQTT shows %v, %v, want the same certificate", other, err)
	}
	for name, config := range map[string]*tls.Config{
		"another name":                {ServerName: "localhost"},
		"no name":                     {ServerName: "127.0.0.1"},
		"a device asks for the fleet": {ServerName: "localhost", NextProtos: []string{topics.FleetProtocol, "mqtt"}},
	} {
		config.RootCAs = s.fleetRoots()
		c, err := tls.Dial("tcp", s.file(mqttsAddrFile), config)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_ = c.Close()
	}
	open := dialMQTT(t, s.file(mqttsAddrFile), s.fleetRoots(), s.file("admin-password"))
	s.await("the renewal", func() error {
		now, err := shown(addr)
		if err == nil && now == first {
			err = errors.New("it is the first certificate")
		}
		return err
	})
	open.ping()
	s.wait()
	s = startServingIn(t, s.dir, append(args, "--acme-directory=https://127.0.0.1:1/dir")...) // nobody there to ask for another
	s.await("the certificate after a restart", func() error {
		_, err := shown(addr)
		return err
	})
}

// acmeRoots is the authority of the certificates.
func acmeRoots(t *testing.T, server rig.ACME) *x509.CertPool {
	t.Helper()
	get := func(url string, trust *x509.CertPool) []byte {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust}}}
		defer client.CloseIdleConnections()
		response, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s, %v", url, response.Status, err)
		}
		return body
	}
	own, err := os.ReadFile(server.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	trust, roots := x509.NewCertPool(), x509.NewCertPool()
	trust.AppendCertsFromPEM(own)
	if !roots.AppendCertsFromPEM(get(server.Roots, trust)) {
		t.Fatal("the ACME server tells no authority")
	}
	return roots
}
