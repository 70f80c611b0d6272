package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Standing is what a user may do now, without their password. mark changes when the password does. The error wraps [ErrDenied] when there is no
// such user; any other is one of the store.
func (a *Authenticator) Standing(ctx context.Context, user string) (identity Identity, mark string, err error) {
	if user == a.adminUser && a.adminPassword.set {
		return a.admin(), "", nil
	}
	nobody := fmt.Errorf("%w: there is no such user", ErrDenied)
	if a.users == nil {
		return Identity{}, "", nobody
	}
	v, err := a.users.current(ctx)
	if err != nil {
		return Identity{}, "", err
	}
	owner := v.users[user]
	if owner == nil || owner.password == "" {
		return Identity{}, "", nobody
	}
	digest := sha256.Sum256([]byte(owner.password))
	return owner.identity, hex.EncodeToString(digest[:]), nil
}
