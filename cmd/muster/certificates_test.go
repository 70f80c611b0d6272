package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/manager/authority"
	"muster/manager/store/sqlite"
	"muster/test/rig"
)

// fleetRoots are the certificate authorities that a manager has put into its data directory.
func (s *serving) fleetRoots() *x509.CertPool {
	s.t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(s.file(rootsFile))) {
		s.t.Fatalf("no certificates in %s", rootsFile)
	}
	return roots
}

// Without any flag about it there is TLS everywhere, with certificates of the fleet's own authority, and so there is with the same
// authority after a restart. Programs that are not ours believe it too.
func TestTLSByDefault(t *testing.T) {
	s := startServing(t, "--server-names=manager.example")
	roots := s.fleetRoots()
	for _, file := range []string{httpsAddrFile, mqttsAddrFile, wssAddrFile} {
		for _, name := range []string{"127.0.0.1", "localhost", "manager.example"} {
			c, err := tls.Dial("tcp", s.file(file), &tls.Config{RootCAs: roots, ServerName: name})
			if err != nil {
				t.Errorf("%s as %s: %v", file, name, err)
				continue
			}
			if got := c.ConnectionState().Version; got != tls.VersionTLS13 {
				t.Errorf("%s speaks %s", file, tls.VersionName(got))
			}
			_ = c.Close()
		}
		if c, err := tls.Dial("tcp", s.file(file), &tls.Config{RootCAs: roots, ServerName: "other.example"}); err == nil {
			_ = c.Close()
			t.Errorf("%s passes for other.example", file)
		}
	}
	_, port, err := net.SplitHostPort(s.file(mqttsAddrFile))
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("mosquitto_sub", "-h", "127.0.0.1", "-p", port, "--cafile", filepath.Join(s.dir, rootsFile), "-u", "admin", "-P", s.file("admin-password"),
		"-t", "muster/v1/managers/+/status", "-C", "1", "-W", "20").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "online") {
		t.Errorf("mosquitto_sub: %s, %v", out, err)
	}
	before := s.file(rootsFile)
	s.wait()
	again := startServingIn(t, s.dir)
	if again.file(rootsFile) != before {
		t.Error("another authority after a restart")
	}
}

// A chain that is not of the fleet's authorities ends the handshake, over TLS and over WebSocket; REST does not ask for one.
func TestAStrangersCertificateEndsTheHandshake(t *testing.T) {
	s := startServing(t)
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	rig.WriteCertificate(t, certFile, keyFile, time.Hour)
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]bool{mqttsAddrFile: true, wssAddrFile: true, httpsAddrFile: false} {
		c, err := tls.Dial("tcp", s.file(file), &tls.Config{RootCAs: s.fleetRoots(), Certificates: []tls.Certificate{pair}})
		if err != nil {
			t.Fatalf("%s: %v", file, err) // with TLS 1.3 the client is done before the server
		}
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		_, _ = c.Write([]byte("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
		_, err = c.Read(make([]byte, 1))
		if ended := err != nil && strings.Contains(err.Error(), "bad certificate"); ended != want {
			t.Errorf("%s: the handshake ends is %v (%v), want %v", file, ended, err, want)
		}
		_ = c.Close()
	}
}

// The next authority is that of the next handshakes and in the file; who believes the first one alone still gets in, and no
// connection ends.
func TestARollOverEndsNoConnection(t *testing.T) {
	s := startServing(t, "--cache-time=100ms")
	first, before := s.fleetRoots(), s.file(rootsFile)
	open := dialMQTT(t, s.file(mqttsAddrFile), first, s.file("admin-password"))
	shown := open.ConnectionState().PeerCertificates[0]

	log := slog.New(slog.DiscardHandler)
	beside, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(s.dir, "muster.db"), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer beside.Close()
	other, err := authority.Open(t.Context(), beside.Authorities(), authority.Options{By: "m2", Identities: beside.Identities(), Every: time.Second, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Roll(t.Context(), "m2"); err != nil {
		t.Fatal(err)
	}
	s.await("the certificate of the next authority", func() error {
		c, err := tls.Dial("tcp", s.file(mqttsAddrFile), &tls.Config{RootCAs: first})
		if err != nil {
			return err
		}
		defer c.Close()
		if now := c.ConnectionState().PeerCertificates[0]; now.Equal(shown) || bytes.Equal(now.AuthorityKeyId, shown.AuthorityKeyId) {
			return errors.New("it is the first authority's")
		}
		return nil
	})
	if now := s.file(rootsFile); !strings.HasPrefix(now, before) && !strings.HasSuffix(now, before) || now == before {
		t.Errorf("the roots are\n%s\nthey were\n%s", now, before)
	}
	open.ping()
}

// A mqttConn is an MQTT connection that has been let in.
type mqttConn struct {
	*tls.Conn
	t *testing.T
}

func dialMQTT(t *testing.T, addr string, roots *x509.CertPool, password string) mqttConn {
	t.Helper()
	conn, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	c := mqttConn{conn, t}
	connect := []byte("\x00\x04MQTT\x04\xc2\x00\x3c\x00\x06viewer\x00\x05admin\x00" + string(rune(len(password))) + password)
	c.exchange(append([]byte{0x10, byte(len(connect))}, connect...), []byte{0x20, 2, 0, 0})
	return c
}

func (c mqttConn) ping() {
	c.t.Helper()
	c.exchange([]byte{0xc0, 0}, []byte{0xd0, 0})
}

func (c mqttConn) exchange(send, want []byte) {
	c.t.Helper()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := c.Write(send); err != nil {
		c.t.Fatal(err)
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, want) {
		c.t.Fatalf("the broker answers % x, %v, want % x", got, err, want)
	}
}

// An address that is taken is told with the flag that names it.
func TestTakenAddressesAreToldByTheirFlag(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, flag := range []string{"http-addr", "https-addr", "mqtt-addr", "mqtt-tls-addr", "mqtt-ws-addr", "mqtt-wss-addr"} {
		err := run(t.Context(), filepath.Join(t.TempDir(), "data"), io.Discard, io.Discard, "--"+flag, taken.Addr().String())
		if err == nil || !strings.HasPrefix(err.Error(), flag+": ") || !strings.Contains(err.Error(), taken.Addr().String()) {
			t.Errorf("%s: %v", flag, err)
		}
	}
}

func parse(t *testing.T, der []byte) *x509.Certificate {
	t.Helper()
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
