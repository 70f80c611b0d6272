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
// The admin's user name is not available to devices. Guesses at the admin's password count together with those over
// REST, by remote, the peer's host:port; past the limit the error is a [TooManyError].
func (a *Authenticator) MQTT(clientID, username string, password []byte, loopback bool, remote string) (topics.Role, string, error) {
	switch {
	case username == "" && loopback:
		return topics.RoleLocal, "", nil
	case username == "":
		return "", "", fmt.Errorf("%w: no user name, which only the loopback interface may do without", ErrDenied)
	case username == a.adminUser:
		at := a.adminAttempt(address(remote), username, string(password))
		at.wrong = fmt.Sprintf("wrong password for the admin %.80q", username)
		if _, err := a.localAdmin(at, a.adminPassword.matches(password)); err != nil {
			return "", "", err
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
