package auth_test

import (
	"errors"
	"fmt"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"muster/manager/auth"
	"muster/manager/store"
)

// A user's standing has the rights of the time, and a mark that changes with the password only.
func TestStanding(t *testing.T) {
	r := newRig(t)
	r.user("ann", "a", "")
	standing := func(name string) (id auth.Identity, mark string) {
		t.Helper()
		id, mark, err := r.Standing(t.Context(), name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return id, mark
	}
	_, first := standing("ann")
	r.group(store.UserGroup{UserGroup: "admins", GroupMembers: []string{"ann"}, Admin: true})
	id, second := standing("ann")
	if !id.Admin || second != first {
		t.Errorf("with other rights it is %+v, and the mark changed: %v", id, second != first)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("b"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.store.Users().Modify(t.Context(), "ann", func(u *store.User) error {
		u.Password = string(hash)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	r.Invalidate()
	if _, third := standing("ann"); third == first || third == "" {
		t.Errorf("with another password the mark is %q, was %q", third, first)
	}
	if id, _ := standing(adminName); !id.Admin {
		t.Errorf("the local admin is %+v", id)
	}
	if _, _, err := r.Standing(t.Context(), "nobody"); !errors.Is(err, auth.ErrDenied) {
		t.Errorf("nobody: %v", err)
	}
	r.store.fail(errors.New("disk on fire"))
	r.Invalidate()
	if _, _, err := r.Standing(t.Context(), "ann"); err == nil || errors.Is(err, auth.ErrDenied) {
		t.Errorf("while the store fails: %v, want an error of the store", err)
	}
}

// Guesses over MQTT, which asks for passwords, count with those over REST.
func TestGuessesAtPasswords(t *testing.T) {
	r := newRig(t)
	try := func(from, password string) error {
		_, err := r.Password(t.Context(), from, adminName, password)
		return err
	}
	for i := range auth.NameBurst / 2 {
		for range 2 { // the same one counts once
			if err := try(elsewhere, fmt.Sprint("guess", i)); !errors.Is(err, auth.ErrDenied) {
				t.Errorf("guess %d: %v", i, err)
			}
		}
		r.want("denied", elsewhere, basic(adminName, fmt.Sprint("other", i)))
	}
	var slow *auth.TooManyError
	for _, password := range []string{"guess", adminPass} {
		if err := try(elsewhere, password); !errors.As(err, &slow) {
			t.Errorf("%s after many: %v, want that it is too many", password, err)
		}
	}
	r.want("slow", elsewhere, basic(adminName, adminPass))
	if err := try(home, adminPass); err != nil {
		t.Errorf("from another address: %v", err)
	}
}
