package brokerflags_test

import (
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"muster/cmd/internal/brokerflags"
	"muster/test/rig"
)

func parse(t *testing.T, args ...string) *brokerflags.Flags {
	t.Helper()
	var f brokerflags.Flags
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f.Declare(flags, "the broker")
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return &f
}

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOptions(t *testing.T) {
	f := parse(t, "--broker-url=mqtts://u:secret@broker.example:8884", "--broker-user=till-1", "--broker-keep-alive=20",
		"--broker-password-file="+write(t, "pass word\r\n"), "--reconnect-max=1m")
	o, err := f.Options()
	if err != nil {
		t.Fatal(err)
	}
	if o.Username != "till-1" || string(o.Password) != "pass word" || o.KeepAlive != 20*time.Second || o.Backoff.Max != time.Minute || o.TLS != nil {
		t.Errorf("options are %+v", o)
	}
	if got := f.Public(); got != "mqtts://broker.example:8884" {
		t.Errorf("public is %q", got)
	}
}

func TestAuthoritiesAreTrusted(t *testing.T) {
	server := httptest.NewTLSServer(nil) // for its certificate
	defer server.Close()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	o, err := parse(t, "--broker-url=mqtts://b", "--broker-ca-file="+write(t, string(authority))).Options()
	if err != nil || o.TLS == nil || o.TLS.RootCAs == nil {
		t.Errorf("options are %+v, %v", o, err)
	}
}

// What a broker is shown is what the files hold at the time of the connection.
func TestACertificateIsShown(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	first := rig.WriteCertificate(t, cert, key, time.Hour)
	o, err := parse(t, "--broker-url=mqtts://b", "--broker-cert-file="+cert, "--broker-key-file="+key).Options()
	if err != nil {
		t.Fatal(err)
	}
	shows := func(want *x509.Certificate) {
		t.Helper()
		got, err := o.TLS.GetClientCertificate(nil)
		if err != nil || !got.Leaf.Equal(want) {
			t.Errorf("shown is %v, %v", got, err)
		}
	}
	shows(first)
	shows(rig.WriteCertificate(t, cert, key, 2*time.Hour))
}

func TestOptionsAreRefused(t *testing.T) {
	for _, tc := range []struct {
		name string
		args []string
		want []string
	}{
		{"no URL", nil, []string{"broker-url", "must be given"}},
		{"no password file", []string{"--broker-password-file=/nowhere"}, []string{"broker-password-file", "/nowhere"}},
		{"empty password file", []string{"--broker-password-file=" + write(t, "\n")}, []string{"broker-password-file", "is empty"}},
		{"no CA file", []string{"--broker-url=mqtts://b", "--broker-ca-file=/nowhere"}, []string{"broker-ca-file", "/nowhere"}},
		{"CA file without a certificate", []string{"--broker-ca-file=" + write(t, "nonsense")}, []string{"broker-ca-file", "no PEM certificate"}},
		{"CA file without TLS", []string{"--broker-url=ws://b", "--broker-ca-file=/nowhere"}, []string{"broker-ca-file", "wss://"}},
		{"certificate without TLS", []string{"--broker-url=ws://b", "--broker-cert-file=/nowhere", "--broker-key-file=/nowhere"}, []string{"broker-cert-file", "wss://"}},
		{"certificate without its key", []string{"--broker-url=mqtts://b", "--broker-cert-file=/nowhere"}, []string{"broker-cert-file and broker-key-file: must be given together"}},
		{"key without its certificate", []string{"--broker-url=mqtts://b", "--broker-key-file=/nowhere"}, []string{"broker-cert-file and broker-key-file: must be given together"}},
		{"no certificate", []string{"--broker-url=mqtts://b", "--broker-cert-file=/nowhere", "--broker-key-file=/nowhere"}, []string{"broker-cert-file", "/nowhere"}},
		{"waits the wrong way round", []string{"--reconnect-min=2m", "--reconnect-max=1m"}, []string{"reconnect-min", "1m0s"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			args := tc.args
			if tc.name != "no URL" {
				args = append([]string{"--broker-url=mqtts://b"}, args...)
			}
			_, err := parse(t, args...).Options()
			for _, want := range tc.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error is %v, want %q in it", err, want)
				}
			}
		})
	}
}

func TestCheckUnused(t *testing.T) {
	if err := parse(t).CheckUnused(); err != nil {
		t.Error(err)
	}
	for _, flag := range []string{"broker-user", "broker-password-file", "broker-ca-file", "broker-cert-file", "broker-key-file"} {
		if err := parse(t, "--"+flag+"=x").CheckUnused(); err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("--%s: %v", flag, err)
		}
	}
}
