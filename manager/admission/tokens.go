package admission

import (
	"context"
	"errors"
	"strings"
	"time"

	"muster/manager/auth"
	"muster/manager/store"
	"muster/topics"
	"muster/topics/token"
)

// byEnrollmentToken lets in a device that has nothing but a token, to ask for more. Whether the token has uses left is decided when it asks:
// a device that has used it already may ask again.
func (g *Gate) byEnrollmentToken(ctx context.Context, l Login, id string) (topics.Subject, error) {
	return g.enrolling(ctx, l, id, func(hash []byte) bool { return token.Matches(hash, string(l.Password)) })
}

// enrolling tells which device enrolls with a token whose secret is right.
func (g *Gate) enrolling(ctx context.Context, l Login, id string, right func(hash []byte) bool) (topics.Subject, error) {
	t, err := g.o.Tokens.Get(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return topics.Subject{}, deniedf("client id %.80q: there is no token %s", l.ClientID, id)
	case err != nil:
		return topics.Subject{}, deniedf("client id %.80q: token %s cannot be looked up: %w", l.ClientID, id, err)
	case !right(t.Hash):
		return topics.Subject{}, deniedf("client id %.80q: wrong secret for token %s", l.ClientID, id)
	case t.Kind != store.TokenEnroll:
		return topics.Subject{}, deniedf("client id %.80q: token %s is not for enrollment", l.ClientID, id)
	case !t.Expires.IsZero() && !time.Now().Before(t.Expires) && !g.cameWith(ctx, id, l.ClientID):
		return topics.Subject{}, deniedf("client id %.80q: token %s has ended at %s", l.ClientID, id, t.Expires.UTC().Format(time.RFC3339))
	}
	if err := topics.CheckName(l.ClientID); err != nil {
		return topics.Subject{}, deniedf("token %s: client id %.80q must be the name of a device: %w", id, l.ClientID, err)
	}
	if t.Device != "" && t.Device != l.ClientID {
		return topics.Subject{}, deniedf("token %s is not for device %q", id, l.ClientID)
	}
	return topics.Subject{Role: topics.RoleEnrolling, Name: l.ClientID, Group: t.DeviceGroup}, nil
}

// cameWith reports whether the device has shown that token before: it may ask once more when the token has ended, because replies get lost and
// an admin's approval takes time.
func (g *Gate) cameWith(ctx context.Context, id, device string) bool {
	i, err := g.o.Identities.Get(ctx, device)
	return err == nil && i.TokenID == id && i.State != store.IdentityRevoked
}

// byAPIToken lets in a program by the role that its token has on MQTT.
func (g *Gate) byAPIToken(ctx context.Context, l Login) (topics.Subject, error) {
	id, err := g.o.People.Token(ctx, l.Remote, string(l.Password))
	if err != nil {
		return topics.Subject{}, deniedf("%.80q: %w", l.Username, err)
	}
	if id.Token == "" || id.Name != l.Username {
		return topics.Subject{}, deniedf("%.80q: that is the token of %q", l.Username, id.Name)
	}
	return g.program(l.Username, id)
}

// program admits whoever has shown an API token.
func (g *Gate) program(username string, id auth.Identity) (topics.Subject, error) {
	// A bridge's or manager's topics have the token's name.
	key := lookerKey{topics.Role(id.MQTTRole), strings.TrimPrefix(id.Name, auth.TokenName(""))}
	switch key.role {
	case topics.RoleViewer:
		key.name = id.Name
	case topics.RoleManager, topics.RoleBridge:
		if err := topics.CheckName(key.name); err != nil {
			return topics.Subject{}, deniedf("%.80q: the token's name must be the %s's: %w", username, key.role, err)
		}
	default:
		return topics.Subject{}, deniedf("%.80q has no role on MQTT", username)
	}
	return g.admit(key, id, ""), nil
}
