package api

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"muster/manager/audit"
	"muster/manager/auth"
	"muster/manager/authority"
	"muster/manager/store"
	"muster/topics"
	"muster/topics/token"
)

// requestTimeout is how long a request may take once its header has been read.
const requestTimeout = 30 * time.Second

// Configs makes and remembers the configs of device_groups, as a [snapshot.Maker] does.
type Configs interface {
	// Current is the group's config as of now, or as of a short while ago when nothing was changed
	// since. It fails with [store.ErrNotFound] when there is no such device_group, and with a
	// [topics.FieldError] when its documents allow no config.
	Current(ctx context.Context, group string) (store.Snapshot, error)
	// Changed has the next Current of any group look at the store. The configs that come of the change of
	// the named object, whose kind is one of [store.AuditEntry], are by that user.
	Changed(by, kind, name string)
}

// Authenticator says who makes a request, as an [auth.Authenticator] does.
type Authenticator interface {
	// REST tells who makes a request. It fails with [auth.ErrDenied] or an [auth.TooManyError], or because
	// it cannot be found out right now.
	REST(r *http.Request) (auth.Identity, error)
	// Invalidate has the next request be judged by the users and user_groups that there are now.
	Invalidate()
	// Reserved reports whether no user can have that name.
	Reserved(name string) bool
	// Hash makes a bcrypt hash.
	Hash(ctx context.Context, secret string) (string, error)
}

// Authorities are the fleet's certificate authorities, as an [authority.Fleet] has them.
type Authorities interface {
	List() []authority.Info
	Get(id string) (authority.Info, error)
	Holders(ctx context.Context, id string) (int, error)
	Roll(ctx context.Context, by string) (authority.Info, error)
	Retire(ctx context.Context, id string, force bool) (authority.Info, error)
	CRL(ctx context.Context, life time.Duration) (string, error)
}

// Options are what the API is made of. All are required but for those that say so.
type Options struct {
	Store   store.Store
	Configs Configs
	Auth    Authenticator
	Fleet   Fleet
	// Enrollment decides which devices have identities.
	Enrollment Enrollment
	// Changed is called after every change, with the name of who made it, empty when nobody was
	// identified. It must not block.
	Changed func(by string)
	Log     *slog.Logger
	// Pin is what new enrollment tokens tell devices to know their managers by: see [token.Token]. nil leaves them without.
	Pin func() token.Pin
	// Authorities are the fleet's; nil leaves out the paths that are about them.
	Authorities Authorities
	// CacheTime is for how long changes of device_groups through other managers may go unnoticed when a change
	// of an app or cron_job is checked; 0 is 10 s.
	CacheTime time.Duration
	// Brokers decides for other brokers that ask; without it, all are refused.
	Brokers Brokers
	// Root is the topics' prefix; by default [topics.DefaultRoot].
	Root topics.Root
	// TrustedProxies are the reverse proxies that are believed when they say in X-Forwarded-For whom a request is from:
	// that address is then the one that guesses are counted against and that the log shows. Of anybody else the
	// header is ignored. There may be none. See [ParseProxies].
	TrustedProxies []net.IPNet
	// RequestRate is how many requests a second each identity may make, and ten times as many at once; 0 is no limit. An identity is
	// a user or an API token, not an address.
	RequestRate int
	// Probes answer GET requests to their paths from anybody, without credentials. There may be none.
	Probes map[string]http.HandlerFunc
	// Metrics answers GET /metrics for all who may log in; nil where there are none.
	Metrics http.Handler
	// Observe, unless nil, is told of every request: the pattern of its route (one of a few, "none" for unknown
	// paths), its method, the status of its answer, and how long that took. It must not block.
	Observe func(route, method string, status int, took time.Duration)
}

type api struct {
	store      store.Store
	configs    Configs
	auth       Authenticator
	fleet      Fleet
	enrollment Enrollment
	pin        func() token.Pin
	ca         Authorities
	onChanged  func(by string)
	observe    func(route, method string, status int, took time.Duration)
	log        *slog.Logger
	trail      *audit.Trail
	throttle   *throttle
	refusals   refusals
	brokers    Brokers
	root       topics.Root
	listing    *listing
	// changing is held from looking whether a change fits until it is written, so that two changes that
	// fit one by one but not together are not both accepted. Between several managers that can still
	// happen; then no config is made until one of the changes is taken back.
	changing chan struct{}
}

// New makes the API's handler. Every path but the probes' wants credentials, the unknown ones too.
func New(o Options) (http.Handler, error) {
	if o.Store == nil || o.Configs == nil || o.Auth == nil || o.Fleet == nil || o.Enrollment == nil || o.Changed == nil || o.Log == nil {
		return nil, errors.New("api: an option is missing")
	}
	if o.Observe == nil {
		o.Observe = func(string, string, int, time.Duration) {}
	}
	if o.CacheTime == 0 {
		o.CacheTime = defaultCacheTime
	}
	if o.Brokers == nil {
		o.Brokers = noBrokers{}
	}
	a := &api{
		brokers: o.Brokers, root: cmp.Or(o.Root, topics.DefaultRoot),
		store: o.Store, configs: o.Configs, auth: o.Auth, fleet: o.Fleet, enrollment: o.Enrollment, pin: o.Pin, ca: o.Authorities, onChanged: o.Changed, observe: o.Observe, log: o.Log,
		throttle: newThrottle(o.RequestRate, time.Now), refusals: refusals{newMemory[string, time.Time](), time.Now},
		trail: audit.NewTrail(time.Now), changing: make(chan struct{}, 1),
		listing: &listing{groups: o.Store.DeviceGroups(), maxAge: o.CacheTime},
	}
	crossOrigin := http.NewCrossOriginProtection()
	crossOrigin.SetDenyHandler(a.handle(refuse(errCrossOrigin)))

	r := chi.NewRouter()
	if len(o.TrustedProxies) > 0 {
		clients, err := behind(o.TrustedProxies)
		if err != nil {
			return nil, err
		}
		r.Use(clients)
	}
	r.Use(a.trace, a.recoverPanic, crossOrigin.Handler, a.probes(o.Probes), a.strangers, a.authenticate, a.limited, middleware.GetHead)
	r.NotFound(a.handle(refuse(errNoPath)))
	r.MethodNotAllowed(a.methodNotAllowed)
	if o.Metrics != nil {
		r.Method(http.MethodGet, "/metrics", o.Metrics)
	}
	r.Route("/api/v2", func(r chi.Router) {
		for _, route := range slices.Concat(a.routes(), a.authorityRoutes()) {
			h := route.handle
			if route.method != http.MethodGet {
				h = a.recorded(h)
			}
			r.Method(route.method, route.path, a.handle(allowed(route.need, h)))
		}
	})
	return r, nil
}
