package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// ErrDenied is wrapped by every refusal. The text of a refusal says why and holds no secret.
var ErrDenied = errors.New("access denied")

// Config is whom an [Authenticator] knows.
type Config struct {
	// Disabled lets every REST request to localhost, or a loopback address, in as an admin without a name. It does not touch MQTT, where everybody
	// must be known by name to be kept to their own topics.
	Disabled bool
	// AdminUser and AdminPassword are the local admin's, for Basic authentication and for looking on over
	// MQTT. Without a password there is neither.
	AdminUser     string
	AdminPassword string
	// AdminToken is the local admin's Bearer token. Without one the local admin has none.
	AdminToken string

	// Users has the users besides the local admin; nil when there are none.
	Users UserStore
	// CacheTime is how old what is known of Users may be, but for changes that Invalidate tells of.
	CacheTime time.Duration
	// Log is told when Users cannot be read. It is required with Users.
	Log *slog.Logger
	// Cost is bcrypt's for new hashes; 0 is bcrypt's default.
	Cost int
}

// An Authenticator tells who someone is by the credentials they show. It is safe for concurrent use.
type Authenticator struct {
	disabled      bool
	adminUser     string
	adminPassword secret
	adminToken    secret

	users  *directory // nil when there are none
	keys   keys
	memory memory
	turns  *turns
	// byName slows down guesses about one user, byAddr those from one address.
	byName, byAddr *slowdown
	bench          *bench
	searches       *bench // the part of it that searches for a token's owner are done in
	cost           int
	now            func() time.Time
}

// New makes an [Authenticator]. It fails when nobody could ever use the REST API.
func New(c Config) (*Authenticator, error) {
	switch {
	case c.Users != nil && c.Log == nil:
		return nil, errors.New("auth: users need a log")
	case c.AdminPassword != "" && c.AdminUser == "":
		return nil, errors.New("auth: an admin password is configured without a user name for it")
	case !c.Disabled && c.AdminPassword == "" && c.AdminToken == "":
		return nil, errors.New("auth: neither an admin password nor a token is configured: nobody could use the REST API")
	}
	a := &Authenticator{
		disabled:      c.Disabled,
		adminUser:     c.AdminUser,
		adminPassword: newSecret(c.AdminPassword),
		adminToken:    newSecret(c.AdminToken),
		keys:          newKeys(),
		memory:        newMemory(),
		turns:         newTurns(),
		byName:        newSlowdown(nameBurst, nameInterval),
		byAddr:        newSlowdown(addrBurst, addrInterval),
		bench:         newBench(),
		cost:          c.Cost,
		now:           time.Now,
	}
	a.searches = a.bench.corner()
	if a.cost == 0 {
		a.cost = bcrypt.DefaultCost
	}
	if c.Users != nil {
		a.users = &directory{
			store: c.Users, maxAge: c.CacheTime, reserved: a.admin().Name, log: c.Log,
			now: func() time.Time { return a.now() }, turn: make(chan struct{}, 1),
		}
	}
	return a, nil
}

// Invalidate says that users or user_groups have changed: the next request is judged by what they are now.
func (a *Authenticator) Invalidate() {
	if a.users != nil {
		a.users.invalidate()
	}
}

// A secret is kept as its digest, so that comparing takes the same time whatever the length of what is
// compared, and a stray %v prints nothing of use.
type secret struct {
	set    bool
	digest [sha256.Size]byte
}

func newSecret(s string) secret {
	return secret{set: s != "", digest: sha256.Sum256([]byte(s))}
}

// matches compares in constant time. A secret that is not set matches nothing, not even the empty string.
func (s secret) matches(given []byte) bool {
	digest := sha256.Sum256(given)
	return subtle.ConstantTimeCompare(s.digest[:], digest[:]) == 1 && s.set
}

// matchesUser compares a user name in constant time.
func matchesUser(want, given string) bool {
	w, g := sha256.Sum256([]byte(want)), sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(w[:], g[:]) == 1
}
