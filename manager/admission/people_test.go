package admission_test

import (
	"testing"

	"golang.org/x/crypto/bcrypt"

	"muster/manager/store"
	"muster/topics/token"
)

// user keeps a user with a password.
func (r *rig) user(name, password string) {
	r.t.Helper()
	if err := r.store.Users().Create(r.t.Context(), store.User{UserName: name, Password: hashOf(r.t, password)}); err != nil {
		r.t.Fatal(err)
	}
}

func hashOf(t testing.TB, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

// enrollToken keeps one for the device_group tills.
func (r *rig) enrollToken(change func(*store.Token)) token.Token {
	r.t.Helper()
	made := token.New(token.Pin{})
	t := store.Token{ID: made.ID, Kind: store.TokenEnroll, Hash: made.Hash(), DeviceGroup: "tills", Uses: 1}
	if change != nil {
		change(&t)
	}
	if err := r.store.Tokens().Create(r.t.Context(), t); err != nil {
		r.t.Fatal(err)
	}
	return made
}

// apiToken keeps one with that role on MQTT and the rights of a user_group, or an admin's when that is empty.
func (r *rig) apiToken(name, role, userGroup string) token.Token {
	r.t.Helper()
	made := token.New(token.Pin{})
	t := store.Token{ID: made.ID, Name: name, Kind: store.TokenAPI, Hash: made.Hash(), MQTTRole: role, Admin: userGroup == ""}
	if userGroup != "" {
		t.UserGroups = []string{userGroup}
	}
	if err := r.store.Tokens().Create(r.t.Context(), t); err != nil {
		r.t.Fatal(err)
	}
	return made
}
