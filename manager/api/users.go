package api

import (
	"context"
	"net/http"

	"muster/manager/auth"
	"muster/manager/store"
)

// users answers the calls about users.
type users struct{ documents[store.User] }

func (a *api) users() users {
	return users{documents[store.User]{a, userKind, a.store.Users()}}
}

// changingUsers is h with its result counting for whoever asks next, also when h cannot tell whether anything
// was written.
func (a *api) changingUsers(h handler) handler {
	return func(r *http.Request) (int, any, error) {
		defer a.auth.Invalidate()
		return h(r)
	}
}

// A userAnswer is what is told of a user: the hashes, as Nebula does, and nothing that would help to find what
// they were made of.
type userAnswer struct {
	UserName string `json:"user_name"`
	Password string `json:"password"`
	Token    string `json:"token"`
}

func answerUser(u store.User) userAnswer { return userAnswer{u.UserName, u.Password, u.Token} }

func (u users) get(r *http.Request) (int, any, error) {
	user, err := u.existing(r)
	return http.StatusOK, answerUser(user), err
}

func (u users) create(r *http.Request) (int, any, error) {
	name := u.name(r)
	if err := u.mustBeNew(r.Context(), name); err != nil {
		return 0, nil, err
	}
	if u.auth.Reserved(name) {
		return 0, nil, errReservedName
	}
	patch, err := readUserPatch(r)
	if err != nil {
		return 0, nil, err
	}
	// Nobody ever learns a password or token that is not given. A token can be had with refresh.
	patch.complete()
	set, err := u.hashed(r.Context(), patch)
	if err != nil {
		return 0, nil, err
	}
	user := store.User{UserName: name}
	if err := set(&user); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, answerUser(user), u.add(r, name, user)
}

func (u users) modify(r *http.Request) (int, any, error) {
	u.kind = changedUserKind
	if _, err := u.existing(r); err != nil {
		return 0, nil, err
	}
	patch, err := readUserPatch(r)
	if err != nil {
		return 0, nil, err
	}
	if patch.isEmpty() {
		return 0, nil, errNothingGiven
	}
	user, err := u.change(r, "update", patch)
	return http.StatusOK, answerUser(user), err
}

// refresh gives the user a new token, which is shown this once.
func (u users) refresh(r *http.Request) (int, any, error) {
	u.kind = changedUserKind
	if _, err := u.existing(r); err != nil {
		return 0, nil, err
	}
	token := auth.NewToken()
	_, err := u.change(r, "refresh", userPatch{token: &token})
	return http.StatusOK, map[string]string{"token": token}, err
}

func (u users) change(r *http.Request, action string, patch userPatch) (store.User, error) {
	set, err := u.hashed(r.Context(), patch)
	if err != nil {
		return store.User{}, err
	}
	name := u.name(r)
	user, err := u.alter(r, action, name, set)
	return user, u.kind.about(name, err)
}

// hashed makes the hashes that the patch needs, once, and gives what puts them into a user.
func (u users) hashed(ctx context.Context, patch userPatch) (set func(*store.User) error, err error) {
	password, err := u.hash(ctx, patch.password)
	if err != nil {
		return nil, err
	}
	token, err := u.hash(ctx, patch.token)
	if err != nil {
		return nil, err
	}
	return func(user *store.User) error {
		if err := patch.sentBack(*user); err != nil {
			return err
		}
		if password != "" {
			user.Password = password
		}
		if token != "" {
			user.Token, user.TokenSelector = token, auth.SelectorOf(*patch.token, token)
		}
		return nil
	}, nil
}

// hash is empty for what is not given, and for a hash that a client sends back.
func (u users) hash(ctx context.Context, secret *string) (string, error) {
	if secret == nil || auth.IsHash(*secret) {
		return "", nil
	}
	return u.auth.Hash(ctx, *secret)
}
