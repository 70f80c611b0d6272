package api

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"muster/manager/auth"
	"muster/manager/authority"
	"muster/topics"
)

// The life of revocation lists in days: when nothing is said, and at most.
const (
	defaultCRLDays = 7
	maxCRLDays     = 90
)

// authorityRoutes are those about certificate authorities, if the manager has any.
func (a *api) authorityRoutes() []route {
	if a.ca == nil {
		return nil
	}
	return []route{
		{"GET", "/authorities", admin, a.listAuthorities},
		{"GET", "/authorities/crl", anyone, a.getCRL},
		{"POST", "/authorities/roll", admin, a.rollAuthority},
		{"GET", "/authorities/{authority}", admin, a.getAuthority},
		{"POST", "/authorities/{authority}/retire", admin, a.retireAuthority},
	}
}

func (a *api) listAuthorities(*http.Request) (int, any, error) {
	return http.StatusOK, map[string]any{authorityKind.plural: a.ca.List()}, nil
}

// getAuthority also counts who would be locked out without it, for which it looks at every device.
func (a *api) getAuthority(r *http.Request) (int, any, error) {
	id := pathName(r, authorityKind.param)
	info, err := a.ca.Get(id)
	if err != nil {
		return 0, nil, authorityKind.about(id, err)
	}
	held, err := a.ca.Holders(r.Context(), id)
	return http.StatusOK, struct {
		authority.Info
		Devices int `json:"devices"`
	}{info, held}, err
}

// getCRL is for everybody who may log in: brokers need it, and it names nobody.
func (a *api) getCRL(r *http.Request) (int, any, error) {
	q := readQuery(r)
	days := q.number("days", defaultCRLDays, 1, maxCRLDays)
	if err := q.done(); err != nil {
		return 0, nil, err
	}
	crl, err := a.ca.CRL(r.Context(), time.Duration(days)*24*time.Hour)
	return http.StatusOK, map[string]string{"crl": crl}, err
}

func (a *api) rollAuthority(r *http.Request) (int, any, error) {
	if given, err := readPatch(r); err != nil {
		return 0, nil, err
	} else if err := given.apply(nil); err != nil {
		return 0, nil, err
	}
	made, err := a.ca.Roll(r.Context(), auth.IdentityFrom(r.Context()).Name)
	if err != nil {
		return 0, nil, refusedAuthority(err)
	}
	return http.StatusOK, made, a.note(r, change{"roll", authorityKind, made.ID, nil, made})
}

func (a *api) retireAuthority(r *http.Request) (int, any, error) {
	given, err := readPatch(r)
	if err != nil {
		return 0, nil, err
	}
	force := false
	if err := given.apply([]field{{"force", func(v value) error { return v.bool(&force) }}}); err != nil {
		return 0, nil, err
	}
	id := pathName(r, authorityKind.param)
	before, err := a.ca.Get(id)
	if err != nil {
		return 0, nil, authorityKind.about(id, err)
	}
	after, err := a.ca.Retire(r.Context(), id, force)
	if err != nil {
		return 0, nil, refusedAuthority(authorityKind.about(id, err))
	}
	return http.StatusOK, after, a.note(r, change{"retire", authorityKind, id, before, after})
}

// refusedAuthority is what clients are told of why an authority is not made or retired now.
func refusedAuthority(err error) error {
	for _, why := range []error{authority.ErrRolled, authority.ErrIssuing, authority.ErrInUse} {
		if errors.Is(err, why) {
			return &refusal{http.StatusConflict, "error", err.Error()}
		}
	}
	return err
}

// checkAuthorityID reports why no authority can have that ID.
func checkAuthorityID(s string) error {
	if n, err := strconv.Atoi(s); err != nil || n < 1 || strconv.Itoa(n) != s {
		return fmt.Errorf("%w: must be the ID of a certificate authority, which is a number", topics.ErrName)
	}
	return nil
}
