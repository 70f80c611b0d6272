package device_test

import (
	"strings"
	"testing"
	"time"

	"muster/cmd/muster/internal/device"
	"muster/manager/fleet"
	"muster/manager/store"
)

func TestDescribeAnIdentity(t *testing.T) {
	old, next := store.IssuedCertificate{Serial: "a1", Authority: "1", NotAfter: now.Add(-time.Hour)}, store.IssuedCertificate{Serial: "b2", Authority: "2", NotAfter: now.Add(48 * time.Hour)}
	for name, test := range map[string]struct {
		identity *fleet.Identity
		want     string
	}{
		"none": {nil, ""},
		"pending": {
			&fleet.Identity{State: store.IdentityPending, TokenID: "T", Requested: *before(time.Minute), By: "enroll:T", KeySHA256: "ab"},
			"as wanted     no: it waits to be let in: muster devices approve\n" +
				"identity      pending, came with token T 2026-03-01 11:59:00Z (about a minute ago)\n              key SHA-256 ab\n",
		},
		"approved": {
			&fleet.Identity{State: store.IdentityActive, TokenID: "T", Requested: *before(2 * time.Hour), Approved: *before(time.Hour), By: "ann", KeySHA256: "ab", Certificates: []store.IssuedCertificate{next, old}},
			"identity      active, approved 2026-03-01 11:00:00Z (about an hour ago) by ann, came with token T 2026-03-01 10:00:00Z (2 hours ago)\n" +
				"              key SHA-256 ab\n              certificate b2 of authority 2, until 2026-03-03 12:00:00Z (in 2 days)\n",
		},
		"expired": {
			&fleet.Identity{State: store.IdentityActive, TokenID: "T", Requested: *before(2 * time.Hour), Certificates: []store.IssuedCertificate{old}},
			"identity      active, came with token T 2026-03-01 10:00:00Z (2 hours ago)\n              certificate a1 of authority 1, expired 2026-03-01 11:00:00Z (about an hour ago)\n",
		},
		"revoked": {
			&fleet.Identity{State: store.IdentityRevoked, Approved: *before(2 * time.Hour), Revoked: *before(time.Hour), By: "bob"},
			"as wanted     no: it was shut out by bob\nidentity      revoked 2026-03-01 11:00:00Z (about an hour ago) by bob\n",
		},
	} {
		d := till()
		d.Identity = test.identity
		var got strings.Builder
		for line := range strings.Lines(device.Describe(d, now).String()) {
			if shown := strings.TrimSpace(line); strings.HasPrefix(line, "identity") || strings.HasPrefix(line, "as wanted") && d.Identity != nil && d.Identity.State != store.IdentityActive ||
				strings.HasPrefix(shown, "key ") || strings.HasPrefix(shown, "certificate ") {
				got.WriteString(line)
			}
		}
		if got.String() != test.want {
			t.Errorf("%s: %q, want %q", name, got.String(), test.want)
		}
	}
}
