package api

import (
	"context"
	"errors"
	"net/http"

	"muster/manager/auth"
	"muster/manager/store"
)

// A userAnswer is what is told of a user: the hashes, as Nebula does, and nothing that would help to find what
// they were made of.
type userAnswer struct {
	UserName string `json:"user_name"`
	Password string `json:"password"`
	Token    string `json:"token"`
}

func answerUser(u store.User) userAnswer { return userAnswer{u.UserName, u.Password, u.Token} }

func (a *api) listUsers(r *http.Request) (int, any, error) {
	names, err := a.store.Users().Names(r.Context())
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string][]string{"users": append([]string{}, names...)}, nil
}

func (a *api) getUser(r *http.Request) (int, any, error) {
	user, err := a.existingUser(r, userKind)
	return http.StatusOK, answerUser(user), err
}

// existingUser is the user that the path names. as says in which words it is missed.
func (a *api) existingUser(r *http.Request, as kind) (store.User, error) {
	name := pathName(r, "user")
	user, err := a.store.Users().Get(r.Context(), name)
	return user, as.about(name, err)
}

func (a *api) createUser(r *http.Request) (int, any, error) {
	name := pathName(r, "user")
	if err := userKind.invalid(name); err != nil {
		return 0, nil, err
	}
	if a.auth.Reserved(name) {
		return 0, nil, errReservedName
	}
	if _, err := a.store.Users().Get(r.Context(), name); !errors.Is(err, store.ErrNotFound) {
		return 0, nil, userKind.about(name, orExists(err))
	}
	patch, err := readUserPatch(r)
	if err != nil {
		return 0, nil, err
	}
	// Nobody ever learns a password or token that is not given. A token can be had with refresh.
	patch.complete()
	change, err := a.hashed(r.Context(), patch)
	if err != nil {
		return 0, nil, err
	}
	user := store.User{UserName: name}
	if err := change(&user); err != nil {
		return 0, nil, err
	}
	defer a.auth.Invalidate() // also when it cannot be told whether it was written
	if err := a.store.Users().Create(r.Context(), user); err != nil {
		return 0, nil, userKind.about(name, err)
	}
	return http.StatusOK, answerUser(user), a.changedUser(r, "create", nil, user)
}

// orExists is [store.ErrExists] for what was found.
func orExists(err error) error {
	if err == nil {
		return store.ErrExists
	}
	return err
}

func (a *api) deleteUser(r *http.Request) (int, any, error) {
	user, err := a.existingUser(r, userKind)
	if err != nil {
		return 0, nil, err
	}
	defer a.auth.Invalidate()
	if err := a.store.Users().Delete(r.Context(), user.UserName); err != nil {
		return 0, nil, userKind.about(user.UserName, err)
	}
	return http.StatusOK, struct{}{}, a.changedUser(r, "delete", user, nil)
}

func (a *api) updateUser(r *http.Request) (int, any, error) {
	if _, err := a.existingUser(r, changedUserKind); err != nil {
		return 0, nil, err
	}
	patch, err := readUserPatch(r)
	if err != nil {
		return 0, nil, err
	}
	if patch.isEmpty() {
		return 0, nil, errNothingGiven
	}
	user, err := a.changeUser(r, "update", patch)
	return http.StatusOK, answerUser(user), err
}

// refreshUser gives the user a new token, which is shown this once.
func (a *api) refreshUser(r *http.Request) (int, any, error) {
	if _, err := a.existingUser(r, changedUserKind); err != nil {
		return 0, nil, err
	}
	token := auth.NewToken()
	_, err := a.changeUser(r, "refresh", userPatch{token: &token})
	return http.StatusOK, map[string]string{"token": token}, err
}

func (a *api) changeUser(r *http.Request, action string, patch userPatch) (store.User, error) {
	name := pathName(r, "user")
	alter, err := a.hashed(r.Context(), patch)
	if err != nil {
		return store.User{}, err
	}
	var before store.User
	defer a.auth.Invalidate()
	user, err := a.store.Users().Modify(r.Context(), name, func(u *store.User) error {
		before = *u
		return alter(u)
	})
	if err != nil {
		return store.User{}, changedUserKind.about(name, err)
	}
	return user, a.changedUser(r, action, before, user)
}

func (a *api) changedUser(r *http.Request, action string, before, after any) error {
	return a.changed(r, change{action, userKind, pathName(r, "user"), before, after})
}

// hashed makes the hashes that the patch needs, once, and gives what puts them into a user.
func (a *api) hashed(ctx context.Context, patch userPatch) (alter func(*store.User) error, err error) {
	password, err := a.hash(ctx, patch.password)
	if err != nil {
		return nil, err
	}
	token, err := a.hash(ctx, patch.token)
	if err != nil {
		return nil, err
	}
	return func(u *store.User) error {
		if err := patch.sentBack(*u); err != nil {
			return err
		}
		if password != "" {
			u.Password = password
		}
		if token != "" {
			u.Token, u.TokenSelector = token, auth.SelectorOf(*patch.token, token)
		}
		return nil
	}, nil
}

// hash is empty for what is not given, and for a hash that a client sends back.
func (a *api) hash(ctx context.Context, secret *string) (string, error) {
	if secret == nil || auth.IsHash(*secret) {
		return "", nil
	}
	return a.auth.Hash(ctx, *secret)
}
