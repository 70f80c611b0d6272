package docker

import (
	"context"

	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/registry"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// A login is what one pull shows to its registry.
type login struct {
	// registry is a host[:port]; empty when the reference makes no sense.
	registry   string
	credential auth.Credential
	// header is the credential as the engine takes it; empty without one.
	header string
	// err says why there is none, although there may be one.
	err error
}

// login finds the credentials for an image. Without them a pull is tried all the same: a public image needs
// none.
func (e *Engine) login(ctx context.Context, ref string) login {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return login{} // the engine says what is wrong with it
	}
	l := login{registry: reference.Domain(named)}
	if l.credential, l.err = e.opts.Logins.Credential(ctx, l.registry); l.err != nil || l.credential == auth.EmptyCredential {
		return l
	}
	l.header, l.err = registry.EncodeAuthConfig(registry.AuthConfig{
		Username: l.credential.Username, Password: l.credential.Password, ServerAddress: l.registry,
		IdentityToken: l.credential.RefreshToken, RegistryToken: l.credential.AccessToken,
	})
	return l
}
