package authority_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/manager/store"
	testrig "muster/test/rig"
)

// A Mosquitto that has the roots and the lists lets in every device but those that are revoked, whichever authority issued their
// certificates.
func TestMosquittoHeedsTheRevocationLists(t *testing.T) {
	r := newRig(t)
	fleet := r.open()
	old, oldRevoked := r.device(fleet, "old"), r.device(fleet, "old-revoked")
	r.roll(fleet)
	good, revoked := r.device(fleet, "good"), r.device(fleet, "revoked")
	for _, d := range []device{old, good} {
		r.identify(d.name, store.IdentityActive, d.issued)
	}
	for _, d := range []device{oldRevoked, revoked} {
		r.identify(d.name, store.IdentityRevoked, d.issued)
	}
	lists, err := fleet.CRL(t.Context(), day)
	r.must(err)
	server, err := fleet.IssueServer([]string{"127.0.0.1"}, life)
	r.must(err)
	dir := t.TempDir()
	roots := write(t, filepath.Join(dir, "roots.pem"), fleet.Roots())
	o := mosquittoOver(t, dir, server)
	o.Config = "cafile " + roots + "\nrequire_certificate true\nuse_identity_as_username true\ncrlfile " + write(t, filepath.Join(dir, "crl.pem"), lists)
	port := testrig.Mosquitto(t, o).URLOf("mqtts", "")[len("mqtts://127.0.0.1:"):]
	for _, c := range []struct {
		device
		in bool
	}{{old, true}, {good, true}, {oldRevoked, false}, {revoked, false}} {
		out, err := exec.Command("mosquitto_pub", "-h", "127.0.0.1", "-p", port, "--cafile", roots, "--cert", write(t, filepath.Join(dir, c.name+".pem"), c.pem),
			"--key", write(t, filepath.Join(dir, c.name+".key"), keyInPEM(t, c.key)), "-i", c.name, "-t", "t", "-m", "m", "-q", "1").CombinedOutput()
		if (err == nil) != c.in {
			t.Errorf("%s: %v: %s", c.name, err, out)
		}
	}
}

func TestCRLOfOddIdentities(t *testing.T) {
	r := newRig(t)
	fleet := r.open()
	r.identify("ended", store.IdentityRevoked, certificate("1", -time.Hour))
	r.identify("gone", store.IdentityRevoked, certificate("9", time.Hour))
	if lists, err := fleet.CRL(t.Context(), day); err != nil || strings.Count(lists, "BEGIN X509 CRL") != 1 {
		t.Errorf("%s, %v", lists, err)
	}
	odd := certificate("1", time.Hour)
	odd.Serial = "not hexadecimal"
	r.identify("odd", store.IdentityRevoked, odd)
	if _, err := fleet.CRL(t.Context(), day); err == nil || !strings.Contains(err.Error(), `identity "odd"`) || !strings.Contains(err.Error(), "serial") {
		t.Errorf("got %v", err)
	}
}
