package attack

import (
	"crypto"
	"crypto/tls"
	"database/sql"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the store of the manager

	"muster/manager/store"
)

// openssl runs that program, which makes certificates for those who do not ask Muster for one.
func openssl(t testing.TB, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput(); err != nil {
		t.Fatalf("openssl %q: %v\n%s", args, err, out)
	}
}

var newKey = []string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"}

// A forger issues certificates with openssl: as an authority of its own, or with the key of the fleet's.
type forger struct{ cert, key string }

// newForger is an authority that has the name of the fleet's, and nothing else of it.
func newForger(t testing.TB) forger {
	t.Helper()
	dir := t.TempDir()
	f := forger{filepath.Join(dir, "ca.pem"), filepath.Join(dir, "ca.key")}
	openssl(t, append([]string{"req", "-x509", "-subj", "/CN=Muster fleet authority 1", "-days", "2", "-out", f.cert, "-keyout", f.key}, newKey...)...)
	return f
}

// steal takes the key of the fleet's authority from the store, where it is not sealed.
func (s *site) steal(t testing.TB) forger {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.data, "muster.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var doc string
	var authority store.Authority
	if err := db.QueryRowContext(t.Context(), "SELECT doc FROM authorities WHERE name = '1'").Scan(&doc); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(doc), &authority); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	f := forger{filepath.Join(dir, "ca.pem"), filepath.Join(dir, "ca.key")}
	for path, text := range map[string]string{f.cert: authority.Certificate, f.key: authority.Key} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// issue makes a certificate for a new key.
func (f forger) issue(t testing.TB, name string, until time.Time, extensions string) *tls.Certificate {
	t.Helper()
	dir := t.TempDir()
	csr, key := filepath.Join(dir, "csr"), filepath.Join(dir, "key")
	openssl(t, append([]string{"req", "-new", "-subj", "/CN=" + name, "-out", csr, "-keyout", key}, newKey...)...)
	return load(t, f.sign(t, csr, until, extensions), key)
}

// sign makes the certificate that is asked for in a file.
func (f forger) sign(t testing.TB, csr string, until time.Time, extensions string) (certFile string) {
	t.Helper()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{
		"extensions": extensions, "database": "", "serial": "07",
		"config": "[ca]\ndefault_ca=d\n[d]\ndatabase=" + at("database") + "\nserial=" + at("serial") + "\nnew_certs_dir=" + dir + "\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n",
	} {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const form = "20060102150405Z"
	openssl(t, "ca", "-batch", "-config", at("config"), "-cert", f.cert, "-keyfile", f.key, "-notext", "-in", csr, "-out", at("cert"),
		"-extfile", at("extensions"), "-startdate", until.AddDate(-1, 0, 0).UTC().Format(form), "-enddate", until.UTC().Format(form))
	return at("cert")
}

// forClients is what a device's certificate has.
const forClients = "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=clientAuth\n"

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
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	openssl(t, append([]string{"req", "-x509", "-subj", "/CN=" + name, "-days", "2", "-out", certFile, "-keyout", keyFile}, newKey...)...)
	return load(t, certFile, keyFile)
}

// loadChain reads what was made for a key that is known.
func loadChain(t testing.TB, certFile string, key crypto.PrivateKey) *tls.Certificate {
	t.Helper()
	text, err := os.ReadFile(certFile)
	if err != nil {
		t.Fatal(err)
	}
	return certificate(t, string(text), key)
}
