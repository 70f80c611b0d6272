package admin_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"muster/manager/store"
)

func TestCertificateAuthorities(t *testing.T) {
	server := shops(t)
	_, err := server.Store.Identities().Create(t.Context(), store.Identity{
		Device: "till-7", DeviceGroup: "shops", State: store.IdentityActive,
		Certificates: []store.IssuedCertificate{{Serial: "7f", Authority: "1", NotAfter: time.Now().Add(time.Hour)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := muster(t, "ca", "roll")
	if !regexp.MustCompile(`^authority "2" made, good until 20\d\d-\d\d-\d\d\n$`).MatchString(r.stdout) || r.code != 0 {
		t.Fatalf("%+v", r)
	}
	lines := func(args []string, want ...string) {
		t.Helper()
		r := muster(t, args...)
		for _, line := range want {
			if !regexp.MustCompile(`(?m)^` + line + `$`).MatchString(r.stdout) {
				t.Errorf("%v: no line %s in\n%s%s", args, line, r.stdout, r.stderr)
			}
		}
	}
	lines([]string{"ca", "show"}, `ID +SUBJECT +STATE +MADE +BY +ENDS +KEY +PIN`, `1 +Muster CA 1 \S+ +believed +\S+ +- +\S+ +plain +\S{43}`, `2 +Muster CA 2 \S+ +issues +\S+ +root +\S+ +plain +\S{43}`)
	lines([]string{"ca", "show", "1"}, `ID .* +DEVICES`, `1 +Muster CA 1 .* +1`)
	if roots := muster(t, "ca", "export").stdout; strings.Count(roots, "BEGIN CERTIFICATE") != 2 {
		t.Errorf("roots are %s", roots)
	}
	if r := muster(t, "ca", "retire", "1"); r.code != 1 || !strings.Contains(r.stderr, "locked out") || r.stdout != "" {
		t.Errorf("%+v", r)
	}
	muster(t, "ca", "retire", "2", "--force", "--yes").want(t, 1, "", "muster: authority \"2\": is the one that issues: make the next one first\n")
	muster(t, "ca", "retire", "7").want(t, 1, "", "muster: authority \"7\" does not exist\n")
	const question = "1 devices are to be locked out for good. Say yes: "
	musterReads(t, "no\n", "ca", "retire", "1", "--force").want(t, 2, "", question+"muster: nothing was done: nobody has said yes; --yes says it beforehand\n")
	lines([]string{"ca", "show"}, `1 +Muster CA 1 \S+ +believed .*`)
	musterReads(t, "yes\n", "ca", "retire", "1", "--force").want(t, 0, "authority \"1\" retired\n", question)
	lines([]string{"ca", "show"}, `1 +Muster CA 1 \S+ +retired 20\S+ +\S+ +- +\S+ +plain +\S{43}`)
	if roots := muster(t, "ca", "export").stdout; strings.Count(roots, "BEGIN CERTIFICATE") != 1 {
		t.Errorf("roots are %s", roots)
	}
	var shown []map[string]any
	if err := json.Unmarshal([]byte(muster(t, "ca", "show", "-o", "json").stdout), &shown); err != nil || len(shown) != 2 || shown[1]["retired"] != nil || shown[0]["key"] != nil {
		t.Errorf("as JSON: %v, %v", shown, err)
	}
	if crl := muster(t, "ca", "crl", "--life", "48h").stdout; strings.Count(crl, "BEGIN X509 CRL") != 1 {
		t.Errorf("revocation lists are %s", crl)
	}
	for _, life := range []string{"1h", "36h", "2184h"} {
		if r := muster(t, "ca", "crl", "--life", life); r.code != 2 || !strings.Contains(r.stderr, "life: ") {
			t.Errorf("%s: %+v", life, r)
		}
	}
}
