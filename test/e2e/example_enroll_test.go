package e2e

import (
	"crypto/tls"
	"encoding/pem"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"muster/topics"
	"muster/topics/token"
)

// enroll runs enroll.sh for the device: with a token or, once there is a certificate, to renew that. What it is told besides counts more.
func (e *example) enroll(token string, env ...string) *program {
	e.in.t.Helper()
	host, port, err := net.SplitHostPort(e.tls)
	if err != nil {
		e.in.t.Fatal(err)
	}
	cmd := exec.Command("../../deploy/examples/enroll.sh")
	cmd.Env = append(append(cmd.Environ(), "DEVICE="+e.name, "STATE="+e.state, "BROKER="+host, "PORT="+port,
		"TOKEN="+token, "MANAGER="+e.in.read(e.in.dataDir(), "https.addr")), env...)
	return run(e.in.t, "enroll.sh", cmd)
}

// mustEnroll is enroll, and works. It returns the device's certificate.
func (e *example) mustEnroll(token string) string {
	e.in.t.Helper()
	if code, log := e.enroll(token).wait(); code != 0 || !strings.Contains(log, "certificate for device_group shops, to be renewed in ") {
		e.in.t.Fatalf("%s: exit code %d: %s", e.name, code, log)
	}
	for _, file := range []string{"key.pem", "cert.pem", "ca.pem"} {
		if info, err := os.Stat(filepath.Join(e.state, file)); err != nil || info.Mode().Perm() != 0o600 {
			e.in.t.Errorf("%v, %v, want mode 0600", info, err)
		}
	}
	return e.in.read(e.state, "cert.pem")
}

// installShops starts a manager whose device_group shops has an app, and makes an enrollment token for it.
func installShops(t *testing.T, more fields) (in *installation, tok string) {
	t.Helper()
	in = installManager(t, nil)
	in.must("POST", "/apps/web", fields{"docker_image": "registry.invalid/hello:v1"})
	in.must("POST", "/device_groups/shops", fields{"apps": []string{"web"}, "cron_jobs": []string{}})
	request := fields{"kind": "enroll", "device_group": "shops"}
	maps.Copy(request, more)
	tok, _ = in.must("POST", "/tokens", request)["token"].(string)
	return in, tok
}

// A device without our code gets a certificate with openssl and curl, is a device by that, and renews it; so the examples run.
func TestExamplesEnroll(t *testing.T) {
	in, tok := installShops(t, fields{"uses": 3})
	reports := in.subscribe(topics.DefaultRoot.Filter(topics.DeviceReport), "-F", "%t %p")
	for _, tc := range []struct{ file, mqtt string }{{"device.py", "5"}, {"device.py", "3.1.1"}, {"device.sh", "5"}} {
		e := in.newExample(tc.file, tc.mqtt)
		e.tls = in.read(in.dataDir(), "mqtts.addr")
		first := e.mustEnroll(tok)
		if renewed := e.mustEnroll(""); renewed == first {
			t.Errorf("%s: the certificate was not renewed", e.file)
		}
		e.start()
		e.program.awaitLog("config 1 applied")
		e.awaitReport(reports, 1)

		in.must("POST", "/devices/"+e.name+"/revoke", nil)
		// The shell may have had no connection at that moment, and so no will that tells of it.
		e.program.awaitLog(map[string]string{"device.py": "refused: ", "device.sh": "no connection"}[e.file])
		e.enroll("").awaitLog("no answer: asking again")
	}
}

// Whoever is not let in yet asks again with the same key; who has no good token, or talks to somebody else, is told.
func TestExamplesAreRefused(t *testing.T) {
	in, tok := installShops(t, fields{"approve": true})
	e := in.newExample("device.sh", "5")
	e.tls = in.read(in.dataDir(), "mqtts.addr")
	for range 2 {
		waiting := e.enroll(tok)
		waiting.awaitLog("pending: asking again in ")
		waiting.kill()
	}
	in.must("POST", "/devices/"+e.name+"/approve", nil)
	e.mustEnroll(tok)

	another := in.newExample("device.sh", "5")
	another.tls = e.tls
	for wrong, want := range map[string]string{
		tok:                             "refused: ",
		token.New(token.Pin{1}).Text():  "shows no certificate of the authority that the token names",
		token.New(pinOf(t, tok)).Text(): "refused: ",
	} {
		if code, log := another.enroll(wrong).wait(); code != 1 || !strings.Contains(log, want) {
			t.Errorf("exit code %d, want 1: %s, want %s", code, log, want)
		}
	}
	if _, err := os.Stat(filepath.Join(another.state, "cert.pem")); !os.IsNotExist(err) {
		t.Errorf("who was refused has a certificate: %v", err)
	}
}

// Whoever shows the authority's certificate beside one of their own making is not told the token.
func TestExamplesTellNobodyElse(t *testing.T) {
	in, tok := installShops(t, nil)
	e := in.newExample("device.sh", "5")
	e.tls = in.read(in.dataDir(), "mqtts.addr")
	authority, _ := pem.Decode([]byte(in.read(in.dataDir(), "ca.pem")))
	lent := httptest.NewTLSServer(nil)
	lent.Close()
	own := lent.TLS.Certificates[0]
	own.Certificate = append(slices.Clip(own.Certificate), authority.Bytes)
	other := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was asked") }))
	other.TLS = &tls.Config{Certificates: []tls.Certificate{own}}
	other.StartTLS()
	defer other.Close()
	e.enroll(tok, "MANAGER="+other.Listener.Addr().String()).awaitLog("no answer: asking again")
}

func pinOf(t *testing.T, text string) token.Pin {
	t.Helper()
	parsed, err := token.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Pin
}
