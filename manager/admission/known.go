package admission

import (
	"context"
	"errors"
	"strings"

	"muster/manager/auth"
	"muster/manager/store"
	"muster/topics"
	"muster/topics/token"
)

// Known tells who a client is by now that another broker has let in, by what that broker knows of it: the user name, the client id, and
// the common name of a certificate. What else it has shown is not looked at. Who would not be let in any more is refused.
//
// A user name that is a user's and a device's is refused: the broker does not say which of the two was let in.
func (g *Gate) Known(ctx context.Context, l Login) (topics.Subject, error) {
	switch {
	case l.CommonName != "":
		return g.byCertificate(ctx, l)
	case l.Username == "":
		return topics.Subject{}, deniedf("no user name and no certificate")
	}
	if id, ok := token.EnrollID(l.Username); ok {
		return g.enrolling(ctx, l, id, func([]byte) bool { return true })
	}
	if strings.HasPrefix(l.Username, auth.TokenName("")) {
		return g.knownProgram(ctx, l)
	}
	rights, mark, err := g.o.People.Standing(ctx, l.Username)
	if err != nil {
		return g.knownDevice(ctx, l)
	}
	if k, err := g.identity(ctx, l.Username); !errors.Is(err, store.ErrNotFound) {
		return topics.Subject{}, deniedf("%.80q is a user, and may be a device (%s): %w", l.Username, k.state, err)
	}
	return g.admit(lookerKey{topics.RoleViewer, l.Username}, rights, mark), nil
}

// knownProgram is whoever logs in with the API token of the name.
func (g *Gate) knownProgram(ctx context.Context, l Login) (topics.Subject, error) {
	name := strings.TrimPrefix(l.Username, auth.TokenName(""))
	all, err := g.o.Tokens.All(ctx)
	if err != nil {
		return topics.Subject{}, deniedf("%.80q: tokens cannot be looked up: %w", l.Username, err)
	}
	for _, t := range all {
		if t.Kind != store.TokenAPI || t.Name != name {
			continue
		}
		id, err := g.o.People.Again(ctx, auth.Identity{Name: l.Username, Token: t.ID})
		if err != nil {
			return topics.Subject{}, deniedf("%.80q: %w", l.Username, err)
		}
		return g.program(l.Username, id)
	}
	return topics.Subject{}, deniedf("%.80q: there is no such token", l.Username)
}

func (g *Gate) knownDevice(ctx context.Context, l Login) (topics.Subject, error) {
	device := l.Username
	if err := topics.CheckName(device); err != nil {
		return topics.Subject{}, deniedf("user name %.80q is no user's and cannot be a device's: %w", device, err)
	}
	if l.ClientID != device {
		return topics.Subject{}, deniedf("client id %.80q must be the device's name %q", l.ClientID, device)
	}
	k, err := g.identity(ctx, device)
	switch {
	case errors.Is(err, store.ErrNotFound) && g.o.DevicePassword != "":
		return topics.Subject{Role: topics.RoleDevice, Name: device, Group: topics.AnyGroup}, nil
	case err != nil:
		return topics.Subject{}, err
	}
	return topics.Subject{Role: topics.RoleDevice, Name: device, Group: k.group.Value()}, k.mayEnter(device)
}
