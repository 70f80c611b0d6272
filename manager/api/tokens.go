package api

import (
	"cmp"
	"errors"
	"net/http"
	"slices"

	"muster/manager/auth"
	"muster/manager/fleet"
	"muster/manager/store"
	"muster/topics/token"
)

// tokens answers the calls about API tokens and enrollment tokens.
type tokens struct{ documents[store.Token] }

func (a *api) tokens() tokens {
	return tokens{documents[store.Token]{a, tokenKind, a.store.Tokens()}}
}

func (t tokens) list(r *http.Request) (int, any, error) {
	q := readQuery(r)
	kind := store.TokenKind(q.oneOf("kind", string(store.TokenAPI), string(store.TokenEnroll)))
	if err := q.done(); err != nil {
		return 0, nil, err
	}
	all, err := t.docs.All(r.Context())
	if err != nil {
		return 0, nil, err
	}
	slices.SortStableFunc(all, func(a, b store.Token) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) })
	answers := []any{}
	for _, one := range all {
		if kind == "" || one.Kind == kind {
			answers = append(answers, fleet.ShowToken(one, ""))
		}
	}
	return http.StatusOK, map[string]any{tokenKind.plural: answers}, nil
}

func (t tokens) get(r *http.Request) (int, any, error) {
	one, err := t.existing(r)
	return http.StatusOK, fleet.ShowToken(one, ""), err
}

// create answers with the token as its bearer has to show it, which nobody can be told again.
func (t tokens) create(r *http.Request) (int, any, error) {
	doc, err := readToken(r)
	if err != nil {
		return 0, nil, err
	}
	done, err := t.beginChange(r.Context())
	if err != nil {
		return 0, nil, err
	}
	defer done()
	if err := t.fits(r, doc); err != nil {
		return 0, nil, err
	}
	var pin token.Pin
	if doc.Kind == store.TokenEnroll && t.pin != nil {
		pin = t.pin()
	}
	made := token.New(pin)
	doc.ID, doc.Hash, doc.By = made.ID, made.Hash(), auth.IdentityFrom(r.Context()).Name
	if err := t.add(r, doc.ID, doc); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, fleet.ShowToken(doc, made.Text()), nil
}

// fits reports why the token cannot be made beside what is there.
func (t tokens) fits(r *http.Request, doc store.Token) error {
	if doc.Kind == store.TokenEnroll {
		_, err := t.store.DeviceGroups().Get(r.Context(), doc.DeviceGroup)
		return groupKind.about(doc.DeviceGroup, err)
	}
	groups, err := t.store.UserGroups().Some(r.Context(), doc.UserGroups)
	if err != nil {
		return err
	}
	if len(groups) < len(doc.UserGroups) {
		return &refusal{http.StatusForbidden, userGroupKind.exists, false}
	}
	all, err := t.docs.All(r.Context())
	if unreadable, ok := errors.AsType[*store.UnreadableError](err); err != nil && (!ok || unreadable == nil) {
		return err
	}
	taken := func(other store.Token) bool { return other.Kind == store.TokenAPI && other.Name == doc.Name }
	if slices.ContainsFunc(all, taken) {
		return &refusal{http.StatusForbidden, tokenKind.exists, true}
	}
	return nil
}
