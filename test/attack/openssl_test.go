package attack

import (
	"crypto/tls"
	"os/exec"
	"path/filepath"
	"testing"
)

// openssl runs that program, which makes certificates for those who do not ask Muster for one.
func openssl(t testing.TB, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput(); err != nil {
		t.Fatalf("openssl %q: %v\n%s", args, err, out)
	}
}

// load reads what openssl made.
func load(t testing.TB, certFile, keyFile string) *tls.Certificate {
	t.Helper()
	c, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	return &c
}

// selfSigned is a certificate that vouches for itself.
func selfSigned(t testing.TB, name string) *tls.Certificate {
	t.Helper()
	certFile, keyFile := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	openssl(t, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN="+name, "-days", "2", "-out", certFile, "-keyout", keyFile)
	return load(t, certFile, keyFile)
}
