package certificate

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
	"golang.org/x/sync/errgroup"

	"muster/manager/store"
)

// ACMEOptions say what certificates are asked for, and of whom. Domains is required, and each of them has a dot.
type ACMEOptions struct {
	Domains []string
	// Email is whom the server may write to; empty is nobody.
	Email string
	// Directory is the server's URL; by default it is Let's Encrypt's.
	Directory string
	// RenewBefore is how long before its end a certificate is replaced; by default a third of its life, and 30 days at most.
	RenewBefore time.Duration
	// HTTP makes the connections to the server; by default http.DefaultClient does.
	HTTP *http.Client
	// Log must not be nil.
	Log *slog.Logger
}

// ACME has certificates of an ACME server (RFC 8555) for some domains. What it has is in the store, so that all managers serve the same
// certificates and answer the server's questions for each other. It is made by [NewACME] and safe for concurrent use.
type ACME struct {
	o       ACMEOptions
	manager *autocert.Manager
	turns   turns
	current map[string]*atomic.Pointer[tls.Certificate] // by domain; the map does not change
}

// Pauses between attempts to get a first certificate. Let's Encrypt allows five failures an hour for each name.
const (
	firstACMEPause = time.Minute
	lastACMEPause  = time.Hour
	// followEvery is how often the certificate is looked at that autocert has renewed, and issueTime how long a first one may take.
	followEvery = 2 * time.Second
	issueTime   = 5 * time.Minute
)

// NewACME asks for nothing yet; [ACME.Run] does.
func NewACME(entries store.Documents[store.ACMEEntry], o ACMEOptions) *ACME {
	o.Directory = cmp.Or(o.Directory, autocert.DefaultACMEDirectory)
	a := &ACME{o: o, turns: turns{entries: entries, me: rand.Text()}, current: map[string]*atomic.Pointer[tls.Certificate]{}}
	for _, domain := range o.Domains {
		a.current[strings.ToLower(domain)] = &atomic.Pointer[tls.Certificate]{}
	}
	a.manager = &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: cache{entries}, HostPolicy: autocert.HostWhitelist(o.Domains...), Email: o.Email, RenewBefore: o.RenewBefore,
		Client: &acme.Client{DirectoryURL: o.Directory, HTTPClient: o.HTTP, UserAgent: "muster"},
	}
	return a
}

// Get is the certificate for a handshake, or one that answers the server's question (RFC 8737), or nil when there is none for that
// name. It does not wait for one to be issued.
func (a *ACME) Get(hello *tls.ClientHelloInfo) *tls.Certificate {
	current := a.current[strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))]
	if current == nil {
		return nil
	}
	if slices.Equal(hello.SupportedProtos, []string{acme.ALPNProto}) {
		answer, err := a.manager.GetCertificate(hello)
		if err != nil {
			a.o.Log.Info("no answer to a question of an ACME server", "name", hello.ServerName, "error", err)
			return nil
		}
		return answer
	}
	return current.Load()
}

// Expiry is when the first of the certificates ends; zero while none is there.
func (a *ACME) Expiry() (first time.Time) {
	for _, current := range a.current {
		if c := current.Load(); c != nil && (first.IsZero() || c.Leaf.NotAfter.Before(first)) {
			first = c.Leaf.NotAfter
		}
	}
	return first
}

// Run gets the certificates, and follows their renewal, until ctx ends. Until there is one, what fails is tried again.
func (a *ACME) Run(ctx context.Context) {
	group, ctx := errgroup.WithContext(ctx)
	for domain, current := range a.current {
		group.Go(func() error {
			a.run(ctx, domain, current)
			return nil
		})
	}
	_ = group.Wait() // they return nothing
}

func (a *ACME) run(ctx context.Context, domain string, current *atomic.Pointer[tls.Certificate]) {
	pauses := &backoff.ExponentialBackOff{InitialInterval: firstACMEPause, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: lastACMEPause}
	pauses.Reset()
	failure := ""
	for {
		pause := followEvery
		c, err := a.latest(ctx, domain)
		switch before := current.Load(); {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errNotMyTurn): // another manager asks for it
		case err != nil:
			if before == nil {
				pause = pauses.NextBackOff()
			}
			if err.Error() != failure {
				failure = err.Error()
				a.o.Log.Error("no certificate of the ACME server, trying again", "name", domain, "directory", a.o.Directory, "error", err, "pause", pause.Round(time.Second))
			}
		case before == nil || !c.Leaf.Equal(before.Leaf):
			current.Store(c)
			failure = ""
			pauses.Reset()
			a.o.Log.Info("this server has a certificate of the ACME server", "name", domain, "expires", c.Leaf.NotAfter)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// latest is what autocert has: in memory, where it renews it; in the store; or, when it is this manager's turn, from the server.
func (a *ACME) latest(ctx context.Context, domain string) (*tls.Certificate, error) {
	if a.current[domain].Load() == nil {
		_, err := a.manager.Cache.Get(ctx, domain)
		if errors.Is(err, autocert.ErrCacheMiss) {
			release, err := a.turns.take(ctx, domain)
			if err != nil {
				return nil, err
			}
			defer release()
		}
	}
	c, err := a.manager.GetCertificate(&tls.ClientHelloInfo{
		ServerName: domain, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}, // a key of ECDSA
	})
	if err != nil {
		return nil, fmt.Errorf("certificate of %s: %w", domain, err)
	}
	return c, nil
}
