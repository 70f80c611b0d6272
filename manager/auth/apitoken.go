package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"muster/manager/store"
	"muster/topics/token"
)

// TokenName is the [Identity] name of the API token of that name.
func TokenName(name string) string { return "token:" + name }

// An apiToken is one of the store with all that follows from the user_groups.
type apiToken struct {
	identity Identity
	hash     []byte
	expires  time.Time // zero is never
}

// apiTokens are those among the tokens, by ID.
func apiTokens(tokens []store.Token, groups []store.UserGroup) map[string]*apiToken {
	byName := make(map[string]store.UserGroup, len(groups))
	for _, g := range groups {
		byName[g.UserGroup] = g
	}
	api := map[string]*apiToken{}
	for _, t := range tokens {
		if t.Kind != store.TokenAPI {
			continue
		}
		m := newMembership()
		for _, name := range t.UserGroups {
			m.join(byName[name]) // one that is gone gives nothing
		}
		api[t.ID] = &apiToken{
			identity: Identity{
				Name: TokenName(t.Name), Token: t.ID, Admin: t.Admin || m.admin, Rights: &m.Rights, MQTTRole: t.MQTTRole, BrokerAuth: t.BrokerAuth,
			},
			hash: t.Hash, expires: t.Expires,
		}
	}
	return api
}

// ended reports whether the token's time is over.
func (t *apiToken) ended(now time.Time) bool { return !t.expires.IsZero() && !now.Before(t.expires) }

// apiToken tells whose token was shown. A right one is never made to wait for wrong guesses from the same address:
// nobody guesses 130 bits, so that there is nothing to slow down, and whoever shares an address with a guesser works on.
func (a *Authenticator) apiToken(v *view, from string, shown token.Token) (Identity, error) {
	// A token that is not there takes as long as a wrong secret.
	known, hash := v.tokens[shown.ID], a.keys.secret
	if known != nil {
		hash = known.hash
	}
	right := token.Matches(hash, shown.Secret())
	switch {
	case known == nil || !right:
		at := a.attempt("bearer", from, "", shown.Text())
		at.wrong = fmt.Sprintf("wrong token %s", shown.ID)
		return Identity{}, a.wrong(at, againstTokens)
	case known.ended(a.now()):
		return Identity{}, fmt.Errorf("%w: %s (%s) has ended at %s", ErrDenied, known.identity.Name, shown.ID, known.expires.UTC().Format(time.RFC3339))
	}
	return known.identity, nil
}

// Again is what the identity, of an earlier login, is by now: other rights, or an error that wraps [ErrDenied] when the user or token
// is gone or has ended. Whether a password has changed meanwhile is not looked at. Other errors are those of the store.
func (a *Authenticator) Again(ctx context.Context, earlier Identity) (Identity, error) {
	if earlier.Token == "" && earlier.Name == a.admin().Name || a.disabled {
		return earlier, nil
	}
	if a.users == nil {
		return Identity{}, errors.New("auth: there are no users")
	}
	v, err := a.users.current(ctx)
	if err != nil {
		return Identity{}, err
	}
	if earlier.Token != "" {
		if t := v.tokens[earlier.Token]; t != nil && !t.ended(a.now()) {
			return t.identity, nil
		}
	} else if u := v.users[earlier.Name]; u != nil {
		return u.identity, nil
	}
	return Identity{}, fmt.Errorf("%w: %s is not there any more", ErrDenied, earlier.Name)
}
