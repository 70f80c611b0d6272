package auth

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// tokenUser names the admin in the history when only a token is configured.
const tokenUser = "admin"

// REST tells who makes a request by its Authorization header: Basic or Bearer, either is as good. The
// error wraps [ErrDenied].
func (a *Authenticator) REST(r *http.Request) (Identity, error) {
	if a.disabled {
		return Identity{Admin: true}, nil
	}
	if user, password, ok := r.BasicAuth(); ok {
		// Both are compared whatever the first says, so that the time taken tells nothing.
		sameUser, samePassword := matchesUser(a.adminUser, user), a.adminPassword.matches([]byte(password))
		if sameUser && samePassword {
			return a.admin(), nil
		}
		return Identity{}, fmt.Errorf("%w: wrong user or password", ErrDenied)
	}
	if token, ok := bearerToken(r); ok {
		if a.adminToken.matches([]byte(token)) {
			return a.admin(), nil
		}
		return Identity{}, fmt.Errorf("%w: wrong token", ErrDenied)
	}
	return Identity{}, fmt.Errorf("%w: no Basic or Bearer credentials", ErrDenied)
}

func (a *Authenticator) admin() Identity {
	if a.adminUser == "" {
		return Identity{Name: tokenUser, Admin: true}
	}
	return Identity{Name: a.adminUser, Admin: true}
}

func bearerToken(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), ok && strings.EqualFold(scheme, "Bearer")
}

type identityKey struct{}

// WithIdentity returns a context that carries who makes the request.
func WithIdentity(ctx context.Context, id Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, id)
}

// IdentityFrom is who makes the request that ctx belongs to; the zero Identity when nobody was identified.
func IdentityFrom(ctx context.Context) Identity {
	id, _ := ctx.Value(identityKey{}).(Identity)
	return id
}
