package auth_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"muster/manager/auth"
	"muster/topics"
)

func TestMQTT(t *testing.T) {
	const adminSecret, deviceSecret = "adm1n-secret", "dev1ce-secret"
	full := auth.Config{AdminUser: "root", AdminPassword: adminSecret, AdminToken: "t0ken", DevicePassword: deviceSecret}
	tokenOnly := auth.Config{AdminUser: "root", AdminToken: "t0ken"}
	disabled := full
	disabled.Disabled = true

	for _, tc := range []struct {
		name               string
		config             auth.Config
		clientID, username string
		password           string
		loopback           bool
		role               topics.Role // empty: refused, with why in the error
		who, why           string
	}{
		{"local", full, "mqtt-explorer", "", "", true, topics.RoleLocal, "", ""},
		{"no user name from elsewhere", full, "x", "", "", false, "", "", "no user name"},
		{"no user name from elsewhere, right password", full, "x", "", deviceSecret, false, "", "", "no user name"},

		{"admin", full, "mqtt-explorer", "root", adminSecret, false, topics.RoleViewer, "root", ""},
		{"admin on loopback", full, "x", "root", adminSecret, true, topics.RoleViewer, "root", ""},
		{"admin, wrong password", full, "x", "root", "no", false, "", "", "wrong password for the admin"},
		{"admin, wrong password on loopback", full, "x", "root", "no", true, "", "", "wrong password for the admin"},
		{"admin, token as password", full, "x", "root", "t0ken", false, "", "", "wrong password"},
		{"admin's name with the devices' password", full, "root", "root", deviceSecret, false, "", "", "wrong password for the admin"},
		{"no admin password configured", tokenOnly, "x", "root", "", false, "", "", "wrong password"},

		{"device", full, "dev-1", "dev-1", deviceSecret, false, topics.RoleDevice, "dev-1", ""},
		{"device on loopback", full, "dev-1", "dev-1", deviceSecret, true, topics.RoleDevice, "dev-1", ""},
		{"device, wrong password", full, "dev-1", "dev-1", "no", false, "", "", `wrong password for device "dev-1"`},
		{"device, wrong password on loopback", full, "dev-1", "dev-1", "no", true, "", "", "wrong password"},
		{"device, no password", full, "dev-1", "dev-1", "", false, "", "", "wrong password"},
		{"device, admin's password", full, "dev-1", "dev-1", adminSecret, false, "", "", "wrong password"},
		{"device, other client id", full, "dev-2", "dev-1", deviceSecret, false, "", "", `client id "dev-2" must be the device's name "dev-1"`},
		{"device, no client id", full, "", "dev-1", deviceSecret, false, "", "", "client id"},
		{"name that no device can have", full, "a/b", "a/b", deviceSecret, false, "", "", "cannot name a device"},
		{"wildcard as name", full, "+", "+", deviceSecret, false, "", "", "cannot name a device"},
		{"no device password configured", tokenOnly, "dev-1", "dev-1", "", false, "", "", "wrong password"},

		{"disabled is for REST only", disabled, "dev-1", "dev-1", "no", false, "", "", "wrong password"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, err := auth.New(tc.config)
			if err != nil {
				t.Fatal(err)
			}
			role, who, err := a.MQTT(tc.clientID, tc.username, []byte(tc.password), tc.loopback, elsewhere)
			if role != tc.role || who != tc.who {
				t.Errorf("role %q name %q, want %q %q", role, who, tc.role, tc.who)
			}
			if tc.role != "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if !errors.Is(err, auth.ErrDenied) || !strings.Contains(err.Error(), tc.why) {
				t.Fatalf("error %v, want ErrDenied with %q", err, tc.why)
			}
			for _, s := range []string{adminSecret, deviceSecret} {
				if strings.Contains(err.Error(), s) {
					t.Errorf("error tells a secret: %v", err)
				}
			}
		})
	}
}

// Who guesses at the admin's password is slowed down over MQTT as over REST, by one count: the password is the same.
func TestGuessesOverMQTT(t *testing.T) {
	r := newRig(t)
	try := func(from, password string) error {
		_, _, err := r.MQTT("x", adminName, []byte(password), false, from)
		return err
	}
	var slow *auth.TooManyError
	for i := range auth.NameBurst / 2 {
		for range 2 { // the same one counts once
			if err := try(elsewhere, fmt.Sprint("guess", i)); !errors.Is(err, auth.ErrDenied) {
				t.Errorf("guess %d: %v", i, err)
			}
		}
		r.want("denied", elsewhere, basic(adminName, fmt.Sprint("other", i)))
	}
	for _, password := range []string{"guess", adminPass} {
		if err := try(elsewhere, password); !errors.As(err, &slow) {
			t.Errorf("%s after many: %v, want that it is too many", password, err)
		}
	}
	r.want("slow", elsewhere, basic(adminName, adminPass))
	if err := try(home, adminPass); err != nil {
		t.Errorf("from another address: %v", err)
	}
	if _, _, err := r.MQTT("dev-1", "dev-1", []byte("d"), false, elsewhere); !errors.Is(err, auth.ErrDenied) {
		t.Errorf("a device there: %v, want that it is denied, and not slowed down", err)
	}
}
