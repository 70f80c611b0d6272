package rig

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// An ACME is an ACME server (RFC 8555) of the test's own: Let's Encrypt's Pebble. Every host name is 127.0.0.1 to it.
type ACME struct {
	// Directory is its URL, and CAFile has the certificate by which to trust it.
	Directory, CAFile string
	// Roots is the URL of the certificate authority's own certificate.
	Roots string
}

// Pebble starts one that asks its questions at that port (tls-alpn-01) and issues certificates that last that long. It ends with the
// test.
func Pebble(t testing.TB, tlsPort int, life time.Duration) ACME {
	t.Helper()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	WriteCertificate(t, cert, key, 24*time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // it may have to be compiled
	defer cancel()
	p, err := startTool(ctx, toolModule{folder: "pebble"}, "pebble", "--tls-port", fmt.Sprint(tlsPort), "--cert-file", cert, "--key-file", key, "--life", life.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	})
	return ACME{Directory: "https://" + p.addr + "/dir", CAFile: cert, Roots: "https://" + p.addr + "/roots/0"}
}
