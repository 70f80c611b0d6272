package auth

import (
	"fmt"

	"muster/topics"
)

// MQTT tells who connects to the broker, by what a CONNECT packet carries and by whether it came in over
// the machine's own loopback interface. The role and name are those of [topics.Root.MayPublish]. The
// error wraps [ErrDenied].
//
//   - no user name, on loopback: [topics.RoleLocal], without a name
//   - the admin's user name and password: [topics.RoleViewer]
//   - a device's name and the devices' password: [topics.RoleDevice]. The client id must be the same
//     name: the broker ends the older of two connections with one client id, and so a device can put
//     an end to none but its own.
//
// The admin's user name is not available to devices.
func (a *Authenticator) MQTT(clientID, username string, password []byte, loopback bool) (topics.Role, string, error) {
	switch {
	case username == "" && loopback:
		return topics.RoleLocal, "", nil
	case username == "":
		return "", "", fmt.Errorf("%w: no user name, which only the loopback interface may do without", ErrDenied)
	case username == a.adminUser:
		if !a.adminPassword.matches(password) {
			return "", "", fmt.Errorf("%w: wrong password for the admin %.80q", ErrDenied, username)
		}
		return topics.RoleViewer, username, nil
	}
	if err := topics.CheckName(username); err != nil {
		return "", "", fmt.Errorf("%w: user name %.80q is not the admin's and cannot name a device: %w", ErrDenied, username, err)
	}
	if !a.devicePassword.matches(password) {
		return "", "", fmt.Errorf("%w: wrong password for device %q", ErrDenied, username)
	}
	if clientID != username {
		return "", "", fmt.Errorf("%w: client id %.80q must be the device's name %q", ErrDenied, clientID, username)
	}
	return topics.RoleDevice, username, nil
}
