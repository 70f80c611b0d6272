package enroll

import (
	"errors"
	"testing"

	"muster/manager/enroll/enrolltest"
	"muster/manager/store"
	"muster/topics"
	"muster/topics/token"
)

func TestSecretOfADevice(t *testing.T) {
	r := newRig(t)
	if _, _, _, err := r.Secret(t.Context(), SecretRequest{Device: "s1", By: "alice"}); !errors.Is(err, ErrNoGroup) {
		t.Errorf("a device that nobody knows, without a device_group: %v", err)
	}
	first, before, after, err := r.Secret(t.Context(), SecretRequest{Device: "s1", DeviceGroup: "meters", By: "alice"})
	if err != nil || before.State != "" || after.State != store.IdentityActive || after.DeviceGroup != "meters" || after.By != "alice" ||
		after.Requested.IsZero() || after.Approved.IsZero() || !token.Matches(after.SecretHash, first) {
		t.Errorf("%v, from %+v to %+v", err, before, after)
	}
	next, before, after, err := r.Secret(t.Context(), SecretRequest{Device: "s1", By: "bob"})
	if err != nil || before.By != "alice" || after.By != "bob" || after.DeviceGroup != "meters" || token.Matches(after.SecretHash, first) || !token.Matches(after.SecretHash, next) {
		t.Errorf("made anew: %v, from %+v to %+v", err, before, after)
	}
	if _, _, after, err = r.Secret(t.Context(), SecretRequest{Device: "s1", DeviceGroup: "tills", By: "bob"}); err != nil || after.DeviceGroup != "tills" {
		t.Errorf("moved: %v, %+v", err, after)
	}
	r.ask(topics.Refused, "s1", enrolltest.Key(t), r.token(func(t *store.Token) { t.DeviceGroup = "tills" }))
	device, err := r.store.Devices().Get(t.Context(), "s1")
	if err != nil || len(device.Events) != 4 || device.Events[1].Kind != store.EventSecret || device.Events[1].Text != "given a secret by bob" {
		t.Errorf("the events are %+v, %v", device.Events, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.changed) != 3 || r.changed[0].Device != "s1" {
		t.Errorf("told of %+v", r.changed)
	}
}

func TestASecretInThePlaceOfAKey(t *testing.T) {
	r := newRig(t)
	key, tok := enrolltest.Key(t), r.token()
	r.ask(topics.Issued, "d1", key, tok)
	was := r.identity("d1")
	if secret, _, _, err := r.Secret(t.Context(), SecretRequest{Device: "d1", DeviceGroup: "other", By: "alice"}); !errors.Is(err, ErrHasKey) || secret != "" {
		t.Errorf("a device with a key: %v", err)
	}
	if now := r.identity("d1"); now.Changed != was.Changed || now.DeviceGroup != was.DeviceGroup {
		t.Errorf("what was refused has changed something: %+v", now)
	}
	secret, _, after, err := r.Secret(t.Context(), SecretRequest{Device: "d1", ReplaceKey: true, By: "alice"})
	if err != nil || len(after.PublicKey) != 0 || len(after.Certificates) != 0 || !token.Matches(after.SecretHash, secret) {
		t.Errorf("%v, %+v", err, after)
	}
	r.ask(topics.Refused, "d1", key, tok)
	_, _, err = r.Revoke(t.Context(), "d1", "alice")
	r.must(err)
	if _, _, _, err := r.Secret(t.Context(), SecretRequest{Device: "d1", ReplaceKey: true, DeviceGroup: "tills", By: "alice"}); !errors.Is(err, ErrRevoked) {
		t.Errorf("a device that was revoked: %v", err)
	}
}
