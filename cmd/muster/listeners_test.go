package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/broker/client"
	"muster/broker/client/network"
	"muster/test/rig"
)

// certificateFiles makes files with a certificate for 127.0.0.1 and its key.
func certificateFiles(t *testing.T) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	roots = x509.NewCertPool()
	roots.AddCert(rig.WriteCertificate(t, certFile, keyFile, 365*24*time.Hour))
	return certFile, keyFile, roots
}

// Each listener that flags ask for lets in those who have credentials, and serves them the same messages.
func TestListeners(t *testing.T) {
	certFile, keyFile, roots := certificateFiles(t)
	port := rig.FreePorts(t, 4)
	addr := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", port+i) }
	dir := filepath.Join(t.TempDir(), "data")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	var out, log bytes.Buffer // of the program, until done
	go func() {
		done <- run(ctx, dir, &out, &log, "--mqtt-addr", addr(0), "--mqtt-tls-addr", addr(1), "--mqtt-ws-addr", addr(2), "--mqtt-wss-addr", addr(3),
			"--tls-cert-file", certFile, "--tls-key-file", keyFile, "--device-password=devices-secret", "--manager-name=m1")
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if strings.Contains(log.String(), "devices-secret") {
			t.Errorf("the devices' password is in the log:\n%s", &log)
		}
	})

	for i, scheme := range []string{"mqtt", "mqtts", "ws", "wss"} {
		t.Run(scheme, func(t *testing.T) {
			c, err := network.Dial(network.Options{
				URL: scheme + "://" + addr(i), ClientID: "viewer", Username: "admin", Password: adminPassword(t, dir),
				TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, Backoff: network.Backoff{Min: 50 * time.Millisecond, Max: time.Second},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			heard := make(chan string, 10)
			err = c.Subscribe(client.Subscription{Filter: "muster/v1/managers/m1/status", Handler: func(m client.Message) { heard <- string(m.Payload) }})
			if err != nil {
				t.Fatal(err)
			}
			select {
			case got := <-heard:
				if !strings.Contains(got, `"online"`) {
					t.Errorf("heard %s", got)
				}
			case <-time.After(30 * time.Second):
				t.Error("heard nothing")
			}
		})
	}
	t.Run("mosquitto_sub", func(t *testing.T) {
		device := []string{"-h", "127.0.0.1", "-p", fmt.Sprint(port + 1), "--cafile", certFile, "-i", "till-1", "-u", "till-1",
			"-t", "muster/v1/managers/m1/status", "-t", "muster/v1/devices/till-1/reply", "-C", "1", "-W", "10"}
		if got, err := exec.Command("mosquitto_sub", append(device, "-P", "wrong")...).CombinedOutput(); err == nil {
			t.Errorf("a device with a wrong password is let in: %s", got)
		}
		viewer := append(device, "-i", "viewer", "-u", "admin", "-P", string(adminPassword(t, dir)))
		if got, err := exec.Command("mosquitto_sub", viewer...).CombinedOutput(); err != nil || !strings.Contains(string(got), `"online"`) {
			t.Errorf("the admin hears %s, %v", got, err)
		}
	})
}

// adminPassword waits for the file.
func adminPassword(t *testing.T, dir string) []byte {
	t.Helper()
	for range 1000 {
		if content, err := os.ReadFile(filepath.Join(dir, "admin-password")); err == nil {
			return bytes.TrimSpace(content)
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("no admin password was made")
	return nil
}
