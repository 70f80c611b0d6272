package admission

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"muster/broker"
	"muster/manager/auth"
	"muster/topics"
	"muster/topics/token"
)

// ErrDenied is wrapped by every refusal. The text says who it was, or claimed to be, and why; it holds no secret.
var ErrDenied = errors.New("not let in")

func deniedf(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrDenied}, args...)...)
}

// patience is how long the store may take for a login.
const patience = 5 * time.Second

// A Login is what a client shows.
type Login struct {
	ClientID, Username string
	// Password must not be kept.
	Password []byte
	// Remote is where it comes from, as host:port.
	Remote string
	// Loopback says that it is on this machine, and that the broker is open to such a one without credentials.
	Loopback bool
	// Chain is the client's certificate and those it was issued by, as it has shown them; nothing of it was checked but that the client has
	// the key.
	Chain []*x509.Certificate
	// CommonName is the one of a client certificate that another broker has verified; empty when there was none.
	CommonName string
}

// Authenticate tells who a client of the embedded broker is. It is that broker's Authenticate.
func (g *Gate) Authenticate(l broker.Login) (topics.Subject, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	shown := Login{ClientID: l.ClientID, Username: l.Username, Password: l.Password, Remote: l.Remote.String(), Loopback: l.Loopback}
	if l.TLS != nil {
		shown.Chain = l.TLS.PeerCertificates
	}
	return g.Judge(ctx, shown)
}

// Judge tells who a client is. What it shows decides which of the ways in it is:
//
//   - a certificate: a device; without a user name, or with its own
//   - the user name enroll:ID: a device that shows an enrollment token, by the name that is its client id
//   - the user name token:NAME: a program whose password is the API token of that name
//   - the user name of the local admin or a user of the database: a viewer
//   - another user name: a device that shows its secret, or the password that all devices share
//   - nothing at all, on this machine's loopback interface: [topics.RoleLocal]
//
// A device's client id must be its name.
func (g *Gate) Judge(ctx context.Context, l Login) (topics.Subject, error) {
	switch {
	case len(l.Chain) > 0 || l.CommonName != "":
		return g.byCertificate(ctx, l)
	case l.Username == "" && l.Loopback:
		return topics.Subject{Role: topics.RoleLocal}, nil
	case l.Username == "":
		return topics.Subject{}, deniedf("no user name and no certificate, which only the loopback interface may do without")
	}
	if id, ok := token.EnrollID(l.Username); ok {
		return g.byEnrollmentToken(ctx, l, id)
	}
	if strings.HasPrefix(l.Username, auth.TokenName("")) {
		return g.byAPIToken(ctx, l)
	}
	// Users come first, so that no device that enrolls under a user's name keeps that one out.
	if _, _, err := g.o.People.Standing(ctx, l.Username); err == nil {
		return g.byPassword(ctx, l)
	}
	if err := topics.CheckName(l.Username); err != nil {
		return topics.Subject{}, deniedf("user name %.80q is no user's and cannot be a device's: %w", l.Username, err)
	}
	return g.bySecret(ctx, l)
}

// CheckCertificate refuses a client's certificate that no authority vouches for: it is what the handshakes of the broker's listeners ask. Whether the
// device is let in is Judge's to say.
func (g *Gate) CheckCertificate(chain []*x509.Certificate) error {
	if _, _, err := g.verify(chain); err != nil {
		return &broker.CertificateError{Err: err}
	}
	return nil
}

// verify names the device of a certificate.
func (g *Gate) verify(chain []*x509.Certificate) (device string, expired bool, err error) {
	claimed := chain[0].Subject.CommonName
	if g.o.Authorities == nil {
		return "", false, deniedf("certificate of %.80q: this manager believes no certificates", claimed)
	}
	if device, expired, err = g.o.Authorities.Verify(chain, time.Now(), g.o.Grace); err != nil {
		return "", false, deniedf("certificate of %.80q: %w", claimed, err)
	}
	return device, expired, nil
}
