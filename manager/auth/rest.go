package auth

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"muster/topics/token"
)

// tokenUser names the admin in the history when only a token is configured.
const tokenUser = "admin"

// REST tells who makes a request by its Authorization header: Basic or Bearer, either is as good. The
// request's RemoteAddr, with or without a port, is whom wrong ones are counted against. The
// error wraps [ErrDenied] when the credentials are missing or wrong, and is a [TooManyError] when too many
// wrong ones came before. Any other is one of the store, or says that the request's context ended first.
func (a *Authenticator) REST(r *http.Request) (Identity, error) {
	if a.disabled {
		if !meansThisMachine(r.Host) {
			return Identity{}, fmt.Errorf("%w: authentication is disabled, and the request is for the host %.80q and not for localhost", ErrDenied, r.Host)
		}
		return Identity{Admin: true}, nil
	}
	from := address(r.RemoteAddr)
	if user, password, ok := r.BasicAuth(); ok {
		return a.basic(r.Context(), from, user, password)
	}
	if token, ok := bearerToken(r); ok {
		return a.bearer(r.Context(), from, token)
	}
	return Identity{}, fmt.Errorf("%w: no Basic or Bearer credentials", ErrDenied)
}

// meansThisMachine reports whether that is a loopback address, or the name of one. A browser's page whose foreign name was made to
// resolve to 127.0.0.1 asks for that name.
func meansThisMachine(host string) bool {
	u := url.URL{Host: host}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}

// Password tells whose user name and password these are, as REST does for Basic credentials. remote is an address with or
// without a port.
func (a *Authenticator) Password(ctx context.Context, remote, user, password string) (Identity, error) {
	return a.basic(ctx, address(remote), user, password)
}

// Token tells whose token this is, as REST does for Bearer credentials.
func (a *Authenticator) Token(ctx context.Context, remote, text string) (Identity, error) {
	return a.bearer(ctx, address(remote), text)
}

// besideToken is the user name beside an API token as the password, for programs that can log in no other way.
const besideToken = "token"

func (a *Authenticator) basic(ctx context.Context, from, user, password string) (Identity, error) {
	// Both are compared whatever the first says, so that the time taken tells nothing.
	sameUser, samePassword := matchesUser(a.adminUser, user), a.adminPassword.matches([]byte(password))
	if password == "" {
		return Identity{}, fmt.Errorf("%w: no password", ErrDenied)
	}
	if sameUser || a.users == nil {
		return a.localAdmin(a.adminAttempt(from, user, password), sameUser && samePassword)
	}
	v, err := a.users.current(ctx)
	if err != nil {
		return Identity{}, err
	}
	if shown, err := token.Parse(password); err == nil && user == besideToken {
		return a.apiToken(v, from, shown)
	}
	return a.identify(ctx, v, a.basicAttempt(v, from, user, password))
}

func (a *Authenticator) bearer(ctx context.Context, from, text string) (Identity, error) {
	right := a.adminToken.matches([]byte(text))
	if text == "" {
		return Identity{}, fmt.Errorf("%w: no token", ErrDenied)
	}
	if right || a.users == nil {
		at := a.attempt("bearer", from, "", text)
		at.wrong = "wrong token"
		return a.localAdmin(at, right)
	}
	v, err := a.users.current(ctx)
	if err != nil {
		return Identity{}, err
	}
	if shown, err := token.Parse(text); err == nil {
		return a.apiToken(v, from, shown)
	}
	return a.identify(ctx, v, a.bearerAttempt(v, from, text))
}

func bearerToken(r *http.Request) (string, bool) {
	scheme, text, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(text), ok && strings.EqualFold(scheme, "Bearer")
}

// address is whom guesses from there, an address with or without a port, are counted against: the host, or with IPv6
// its network, for a host may have as many addresses there as it likes.
func address(remote string) string {
	ip, err := netip.ParseAddr(remote)
	if err != nil {
		at, err := netip.ParseAddrPort(remote)
		if err != nil {
			return remote
		}
		ip = at.Addr()
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	network, err := ip.Prefix(64)
	if err != nil {
		return ip.String()
	}
	return network.String()
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
