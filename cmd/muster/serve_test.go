package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/cmd/internal/program"
)

// run executes "muster serve" with settings that suit a test, and more. A second one of the same flag wins.
func run(ctx context.Context, dataDir string, stdout, stderr io.Writer, more ...string) error {
	command := newRoot(stdout, stderr)
	command.SilenceErrors, command.SilenceUsage = true, true
	command.SetArgs(append([]string{"serve", "--data-dir", dataDir, "--http-addr=127.0.0.1:0", "--mqtt-addr=127.0.0.1:0"}, more...))
	return command.ExecuteContext(ctx)
}

func TestFlagsAreRefused(t *testing.T) {
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"no data directory", []string{"--data-dir="}, "data-dir: must not be empty"},
		{"no REST address", []string{"--http-addr=", "--https-addr="}, "http-addr and https-addr: must not both be empty"},
		{"no MQTT address", []string{"--mqtt-addr=", "--mqtt-tls-addr=", "--mqtt-wss-addr="}, "mqtt-addr and mqtt-tls-addr: must not both be empty"},
		{"REST port alone", []string{"--http-addr=8080"}, "http-addr: must be HOST:PORT"},
		{"REST port that is none", []string{"--http-addr=127.0.0.1:99999"}, `http-addr: the port must be from 0 to 65535, is "99999"`},
		{"log level that is none", []string{"--log-level=loud"}, "log-level: must be"},
		{"external broker without a scheme", []string{"--broker-url=127.0.0.1"}, "broker-url: "},
		{"a spool of nothing", []string{"--spool-size=1KB"}, "spool-size: must be at least 1.049MB, is 1kB"},
		{"MQTT host alone", []string{"--mqtt-addr=localhost"}, "mqtt-addr: must be HOST:PORT"},
		{"WebSocket host alone", []string{"--mqtt-ws-addr=localhost"}, "mqtt-ws-addr: must be HOST:PORT"},
		{"certificate without its key", []string{"--mqtt-tls-addr=127.0.0.1:0", "--tls-cert-file=x"}, "given together"},
		{"key without its certificate", []string{"--mqtt-tls-addr=127.0.0.1:0", "--tls-key-file=x"}, "given together"},
		{"certificate without TLS", []string{"--tls-cert-file=x", "--tls-key-file=y", "--https-addr=", "--mqtt-tls-addr=", "--mqtt-wss-addr="}, "tls-cert-file and tls-key-file: are of no use"},
		{"no such certificate", []string{"--mqtt-tls-addr=127.0.0.1:0", "--tls-cert-file=/nowhere", "--tls-key-file=y"}, "/nowhere"},
		{"listener beside a broker", []string{"--broker-url=mqtt://127.0.0.1:1", "--mqtt-ws-addr=127.0.0.1:0"}, "of no use with broker-url"},
		{"user without a broker", []string{"--broker-user=x"}, "broker-user: is of no use without broker-url"},
		{"bad manager name", []string{"--manager-name=a b"}, "manager-name: \"a b\""},
		{"no admin", []string{"--basic-auth-user="}, "basic-auth-user"},
		{"admin that Basic cannot say", []string{"--basic-auth-user=a:b"}, "basic-auth-user"},
		{"open to all", []string{"--http-addr=0.0.0.0:0", "--auth-enabled=false"}, "auth-enabled"},
		{"two MongoDB URLs", []string{"--mongo-url=mongodb://h", "--mongo-url-file=x"}, "mongo-url and mongo-url-file: must not both"},
		{"database without a MongoDB", []string{"--mongo-database=x"}, "mongo-database: is of no use"},
		{"no MongoDB URL", []string{"--mongo-url=localhost:27017"}, "mongo-url: "},
		{"MongoDB URL without its host", []string{"--mongo-url=mongodb://u:secret"}, "mongo-url: must be mongodb://[USER:PASSWORD@]HOST"},
		{"proxy by name", []string{"--trusted-proxies=10.0.0.0/8, proxy"}, "trusted-proxies: must be addresses or CIDRs"},
		{"proxies' network too long", []string{"--trusted-proxies=10.0.0.0/33"}, `one is "10.0.0.0/33"`},
		{"every proxy", []string{"--trusted-proxies=127.0.0.1,::/0"}, `trusted-proxies: must be the proxies alone, "::/0" is everybody`},
		{"MongoDB's own database", []string{"--mongo-url=mongodb://u:secret@127.0.0.1:1/admin"}, "/nebula?authSource=admin"},
		{"no such file with a MongoDB URL", []string{"--mongo-url-file=/nowhere"}, "mongo-url-file: open /nowhere"},
		{"no MongoDB there", []string{"--mongo-url=mongodb://u:secret@127.0.0.1:1/?serverSelectionTimeoutMS=50"}, "store mongodb://127.0.0.1:1/nebula: no server answers"},
		{"open to all over TLS", []string{"--https-addr=0.0.0.0:0", "--tls-cert-file=x", "--tls-key-file=y", "--auth-enabled=false"}, "auth-enabled: must not be false unless https-addr"},
		{"a server's name that is none", []string{"--server-names=manager.example,https://manager"}, `server-names: name: must be a host name such as manager.example, *.example, or an IP address, one is "https://manager"`},
		{"ACME for an address", []string{"--acme-domains=manager.example,10.0.0.1"}, `acme-domains: name: must be a host name with a dot, such as manager.example, one is "10.0.0.1"`},
		{"ACME for nothing", []string{"--acme-email=ops@example.com"}, "are of no use without acme-domains"},
		{"ACME and files", []string{"--acme-domains=manager.example", "--tls-cert-file=x", "--tls-key-file=y"}, "acme-domains and tls-cert-file: must not both"},
		{"ACME without TLS", []string{"--acme-domains=manager.example", "--https-addr=", "--mqtt-tls-addr=", "--mqtt-wss-addr="}, "acme-domains: are of no use without"},
		{"no ACME server", []string{"--acme-domains=manager.example", "--acme-directory=http://acme"}, "acme-directory: must be https://"},
		{"nobody to write to", []string{"--acme-domains=manager.example", "--acme-email=ops"}, "acme-email: must be one address"},
		{"TLS listener beside a broker", []string{"--broker-url=mqtt://127.0.0.1:1", "--mqtt-tls-addr=127.0.0.1:0"}, "of no use with broker-url"},
		{"HTTPS host alone", []string{"--https-addr=localhost", "--tls-cert-file=x", "--tls-key-file=y"}, "https-addr: must be HOST:PORT"},
		{"bad topic root", []string{"--topic-root=a/#"}, "topic-root"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // what is not refused would run for ever
			defer cancel()
			var out bytes.Buffer
			dir := filepath.Join(t.TempDir(), "data")
			err := run(ctx, dir, &out, &out, tc.args...)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error is %v, want %q in it", err, tc.want)
			}
			if tc.name == "no MongoDB there" { // which another start may find
				return
			}
			if _, misused := errors.AsType[*program.UsageError](err); !misused {
				t.Errorf("%v does not end the program with the exit code of wrong settings", err)
			}
			if _, err := os.Stat(dir); !os.IsNotExist(err) || out.Len() > 0 {
				t.Errorf("something was done before it was refused: %v\n%s", err, &out)
			}
			if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n")) {
				t.Errorf("the error shows a password or has more than one line: %v", err)
			}
		})
	}
}

// The password is shown at the start that makes it, also when that start fails, and never again.
func TestThePasswordIsShownOnce(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := filepath.Join(t.TempDir(), "data")
	fail := []string{"--http-addr", taken.Addr().String()} // ends each start
	for i := range 3 {
		var out, log bytes.Buffer
		if err := run(t.Context(), dir, &out, &log, fail...); err == nil || !strings.Contains(err.Error(), "http-addr") {
			t.Fatalf("start %d: %v", i, err)
		}
		password, err := os.ReadFile(filepath.Join(dir, "admin-password"))
		if err != nil {
			t.Fatal(err)
		}
		shown := strings.Count(out.String(), strings.TrimSpace(string(password)))
		if want := map[bool]int{true: 1}[i == 0]; shown != want || strings.Contains(log.String(), strings.TrimSpace(string(password))) {
			t.Errorf("start %d shows the password %d times, want %d:\n%s%s", i, shown, want, &out, &log)
		}
	}
}

func TestADataDirIsForOneProcess(t *testing.T) {
	path := t.TempDir()
	if err := os.WriteFile(filepath.Join(path, httpAddrFile), []byte("old\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	first, err := openDataDir(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(path, httpAddrFile)); !os.IsNotExist(err) {
		t.Errorf("the address of an earlier process: %v, want it gone", err)
	}
	if err := first.write(httpAddrFile, "127.0.0.1:1\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := openDataDir(path); err == nil || !strings.Contains(err.Error(), "another muster") {
		t.Errorf("a second process: %v", err)
	}
	if got, err := os.ReadFile(filepath.Join(path, httpAddrFile)); string(got) != "127.0.0.1:1\n" {
		t.Errorf("the first one's address is %q, %v", got, err)
	}
	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	again, err := openDataDir(path)
	if err != nil {
		t.Fatal(err)
	}
	_ = again.close()
}
