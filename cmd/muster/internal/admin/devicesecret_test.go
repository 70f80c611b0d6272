package admin_test

import (
	"strings"
	"testing"

	"muster/manager/store"
	"muster/topics/token"
)

// A device's secret is printed alone and this once, and the one before is out.
func TestDeviceSecret(t *testing.T) {
	server := shops(t)
	made := map[string]bool{}
	for _, args := range []string{"devices secret meter-7 --group shops", "devices secret meter-7"} {
		r := muster(t, strings.Fields(args)...)
		secret := strings.TrimSuffix(r.stdout, "\n")
		i, err := server.Store.Identities().Get(t.Context(), "meter-7")
		if err != nil || r.code != 0 || !token.Matches(i.SecretHash, secret) || i.DeviceGroup != "shops" || made[secret] {
			t.Errorf("%s: %+v, the identity is %+v, %v", args, r, i, err)
		}
		made[secret] = true
		if want := "muster: secret of device \"meter-7\", which is its user name and client id\n"; r.stderr != want {
			t.Errorf("%s: says %q, want %q", args, r.stderr, want)
		}
	}
	_, err := server.Store.Identities().Modify(t.Context(), "meter-7", func(i *store.Identity) error { i.PublicKey = []byte("key"); return nil })
	if err != nil {
		t.Fatal(err)
	}
	muster(t, "devices", "secret", "meter-7").want(t, 1, "",
		"muster: make a secret for device \"meter-7\": the device has a key, which a secret in its place would shut out: replace_key must be true for that\n")
	muster(t, "devices", "secret", "meter-8").want(t, 1, "", "muster: device \"meter-8\": device_group: must be given for a device that has no identity\n")
	muster(t, "devices", "secret", "meter-8", "-g", "none").want(t, 1, "", "muster: device \"meter-8\": one of its device_groups does not exist\n")
	if r := muster(t, "devices", "secret", "meter-7", "--replace-key"); r.code != 0 || len(r.stdout) < 26 {
		t.Errorf("in the place of a key: %+v", r)
	}
}
