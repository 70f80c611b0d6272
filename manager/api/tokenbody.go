package api

import (
	"fmt"
	"net/http"
	"time"

	"muster/manager/auth"
	"muster/manager/store"
	"muster/topics"
	"muster/topics/token"
)

const (
	// enrollTTL is how long an enrollment token is good for when nothing is said, and maxEnrollTTL the longest.
	enrollTTL    = 24 * time.Hour
	maxEnrollTTL = 366 * 24 * time.Hour
	// maxAPITTL is the longest end that an API token can have; it may have none.
	maxAPITTL = 10 * 366 * 24 * time.Hour
	maxUses   = 1_000_000
)

// readToken reads the body of a request for a new token, which is complete but for its ID, hash and maker.
func readToken(r *http.Request) (t store.Token, err error) {
	given, err := readPatch(r)
	if err != nil {
		return t, err
	}
	if given.given == nil {
		return t, errNothingGiven
	}
	if err := given.need([]string{"kind"}); err != nil {
		return t, err
	}
	kind := value{"kind", given.given["kind"]}
	if err := kind.string((*string)(&t.Kind)); err != nil {
		return t, err
	}
	var ttl time.Duration
	switch t.Kind {
	case store.TokenEnroll:
		t.Uses, ttl = 1, enrollTTL
		err = given.fill([]string{"device_group"}, enrollFields(&t, &ttl))
	case store.TokenAPI:
		err = given.fill([]string{"name"}, apiFields(&t, &ttl))
	default:
		return t, fieldErrorf("kind", "must be %q or %q, is %.40q", store.TokenAPI, store.TokenEnroll, t.Kind)
	}
	if err != nil {
		return t, err
	}
	t.Created = time.Now().UTC().Truncate(time.Millisecond)
	if ttl > 0 {
		t.Expires = t.Created.Add(ttl)
	}
	return t, checkTogether(t)
}

// checkTogether refuses fields that make no sense beside each other.
func checkTogether(t store.Token) error {
	switch {
	case t.Device != "" && t.Uses != 1:
		return fieldErrorf("uses", "must be 1 for a token that is for one device, is %d", t.Uses)
	case t.Kind == store.TokenEnroll:
		return nil
	case t.Admin && len(t.UserGroups) > 0:
		return fieldErrorf("user_groups", "must be left out for an admin, who may do everything")
	case !t.Admin && len(t.UserGroups) == 0 && !t.BrokerAuth && t.MQTTRole == "":
		return fieldErrorf("user_groups", "must be given, or admin, mqtt_role or broker_auth: the token would be good for nothing")
	}
	return nil
}

// fill is apply for a new object with fields that it must have.
func (p patch) fill(required []string, fields []field) error {
	if err := p.need(required); err != nil {
		return err
	}
	return p.apply(fields)
}

func enrollFields(t *store.Token, ttl *time.Duration) []field {
	return []field{
		{"kind", func(value) error { return nil }},
		{"name", func(v value) error { return v.name(&t.Name, checkTokenName) }},
		{"ttl_seconds", func(v value) error { return v.ttl(ttl, maxEnrollTTL) }},
		{"device_group", func(v value) error { return v.name(&t.DeviceGroup, topics.CheckName) }},
		{"device", func(v value) error { return v.name(&t.Device, topics.CheckName) }},
		{"uses", func(v value) error { return v.within(&t.Uses, 1, maxUses) }},
		{"approve", func(v value) error { return v.bool(&t.Approve) }},
	}
}

func apiFields(t *store.Token, ttl *time.Duration) []field {
	return []field{
		{"kind", func(value) error { return nil }},
		{"name", func(v value) error { return v.name(&t.Name, checkTokenName) }},
		{"ttl_seconds", func(v value) error { return v.ttl(ttl, maxAPITTL) }},
		{"admin", func(v value) error { return v.bool(&t.Admin) }},
		{"user_groups", func(v value) error { return v.members(&t.UserGroups) }},
		{"mqtt_role", func(v value) error {
			return v.oneOf(&t.MQTTRole, string(topics.RoleViewer), string(topics.RoleBridge), string(topics.RoleManager))
		}},
		{"broker_auth", func(v value) error { return v.bool(&t.BrokerAuth) }},
	}
}

// checkTokenName reports why no token can have that name. One that looks like an ID could be taken for one.
func checkTokenName(s string) error {
	if token.IsID(s) {
		return fmt.Errorf("%w: must not look like the ID of a token", topics.ErrName)
	}
	return auth.CheckUserName(s)
}

// checkTokenID reports why no token can have that ID.
func checkTokenID(s string) error {
	if !token.IsID(s) {
		return fmt.Errorf("%w: must be the ID of a token, which is 10 capital letters or digits from 2 to 7", topics.ErrName)
	}
	return nil
}
