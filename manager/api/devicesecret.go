package api

import (
	"errors"
	"net/http"

	"muster/manager/auth"
	"muster/manager/enroll"
	"muster/manager/store"
	"muster/topics"
)

// A madeSecret is what a device logs in to the broker with; nobody can be told it again.
type madeSecret struct {
	Device      string `json:"device"`
	DeviceGroup string `json:"device_group"`
	Secret      string `json:"secret"`
}

// makeSecret lets a device in by a new secret.
func (a *api) makeSecret(r *http.Request) (int, any, error) {
	asked := enroll.SecretRequest{Device: pathName(r, deviceKind.param), By: auth.IdentityFrom(r.Context()).Name}
	if err := deviceKind.invalid(asked.Device); err != nil {
		return 0, nil, err
	}
	given, err := readPatch(r)
	if err != nil {
		return 0, nil, err
	}
	err = given.apply([]field{
		{"device_group", func(v value) error { return v.name(&asked.DeviceGroup, topics.CheckName) }},
		{"replace_key", func(v value) error { return v.bool(&asked.ReplaceKey) }},
	})
	if err != nil {
		return 0, nil, err
	}
	if asked.DeviceGroup != "" {
		if _, err := a.store.DeviceGroups().Get(r.Context(), asked.DeviceGroup); err != nil {
			return 0, nil, groupKind.about(asked.DeviceGroup, err)
		}
	}
	secret, before, after, err := a.enrollment.Secret(r.Context(), asked)
	switch {
	case errors.Is(err, enroll.ErrRevoked):
		return 0, nil, errRevoked
	case errors.Is(err, enroll.ErrHasKey):
		return 0, nil, &refusal{http.StatusConflict, "error", enroll.ErrHasKey.Error() + ": replace_key must be true for that"}
	case errors.Is(err, enroll.ErrNoGroup):
		return 0, nil, fieldErrorf("device_group", "must be given for a device that has no identity")
	case errors.Is(err, store.ErrExists):
		return 0, nil, &refusal{http.StatusConflict, "error", "the device has got an identity at the same moment: look at it, and ask again"}
	case err != nil:
		return 0, nil, err
	}
	change := change{"secret", deviceKind, asked.Device, nil, after}
	if before.State != "" {
		change.before = before
	}
	return http.StatusOK, madeSecret{asked.Device, after.DeviceGroup, secret}, a.note(r, change)
}
