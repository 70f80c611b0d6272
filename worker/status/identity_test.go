package status_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/topics"
	"muster/worker/identity"
	"muster/worker/status"
)

func TestTextOfAnIdentity(t *testing.T) {
	for name, test := range map[string]struct {
		identity *status.Identity
		want     string
	}{
		"none": {nil, ""},
		"a certificate": {
			&status.Identity{Device: "till-1", DeviceGroup: "shops", NotAfter: now.Add(72 * time.Hour), Renew: now.Add(2 * time.Hour)},
			"identity     till-1 of device_group shops; certificate until 2026-03-04 12:00:00Z (in 72h0m0s), renewed in 2h0m0s\n",
		},
		"an expired certificate": {
			&status.Identity{Device: "till-1", DeviceGroup: "shops", NotAfter: now.Add(-time.Hour), Renew: now.Add(-2 * time.Hour)},
			"identity     till-1 of device_group shops; certificate expired 2026-03-01 11:00:00Z (1h0m0s ago), renewed now\n",
		},
		"pending": {
			&status.Identity{KeySHA256: "ab12", Enrollment: &identity.Enrollment{State: topics.Pending, At: now.Add(-time.Minute)}},
			"key          SHA-256 ab12\nenrollment   waits for an admin's approval, as of 2026-03-01 11:59:00Z (1m0s ago)\n",
		},
		"refused": {
			&status.Identity{Enrollment: &identity.Enrollment{State: topics.Refused, Error: "the token has ended", At: now}},
			"enrollment   refused, as of 2026-03-01 12:00:00Z (0s ago): the token has ended\n",
		},
		"damaged": {&status.Identity{Trouble: "the key is gone"}, "identity     of no use: the key is gone\n"},
	} {
		s := full()
		s.Identity = test.identity
		var b strings.Builder
		if err := s.Text(&b); err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for line := range strings.Lines(b.String()) {
			if strings.HasPrefix(line, "identity") || strings.HasPrefix(line, "key ") || strings.HasPrefix(line, "enrollment") {
				got.WriteString(line)
			}
		}
		if got.String() != test.want {
			t.Errorf("%s: %q, want %q", name, got.String(), test.want)
		}
	}
}

func TestReadOfAnIdentity(t *testing.T) {
	dir := t.TempDir()
	read := func() *status.Identity {
		t.Helper()
		s, err := status.Read(t.Context(), dir, facts)
		if err != nil {
			t.Fatal(err)
		}
		return s.Identity
	}
	if i := read(); i != nil {
		t.Errorf("where there is none: %+v", i)
	}
	if err := os.WriteFile(filepath.Join(dir, "enrollment.json"), []byte(`{"state":"pending"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if i := read(); i == nil || i.Enrollment == nil || i.Enrollment.State != topics.Pending {
		t.Errorf("of a device that waits: %+v", i)
	}
	if err := os.WriteFile(filepath.Join(dir, "identity.json"), []byte(`{"device":"d"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if i := read(); i == nil || !strings.Contains(i.Trouble, "identity-key.pem") {
		t.Errorf("of an identity without its key: %+v", i)
	}
}
