package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"muster/topics"
)

// Defaults of [Options].
const (
	DefaultTimeout = 40 * time.Second // above the 30 s after which a manager gives up
	DefaultRetry   = 5 * time.Second
)

// Parallel is how many requests [Objects.GetAll] makes at a time, and how many idle connections are kept.
const Parallel = 16

// Options say which manager to talk to, and as whom.
type Options struct {
	// URL is http:// or https://HOST[:PORT], with the path that the API is below if there is one. What
	// follows from /api/v2 on may be left out.
	URL string
	// Token is sent as Bearer. User and Password are sent as Basic, when there is no Token.
	Token, User, Password string
	// PlainHTTP allows credentials to be sent without TLS to other machines, for everyone on the way to read.
	PlainHTTP bool
	// RootCAs are whom to trust for https instead of those that the system trusts, unless nil.
	RootCAs *x509.CertPool
	// Timeout limits each attempt; 0 is DefaultTimeout.
	Timeout time.Duration
	// Retry is for how long calls are tried again that the manager has asked to send later (429), and those that may be
	// repeated while it cannot be reached (connection refused) or used (503); 0 is DefaultRetry, below 0 is never.
	Retry time.Duration
	// UserAgent says what makes the requests; empty is "muster-client".
	UserAgent string
}

// A Client makes calls to one manager. It is safe for concurrent use. The transport's connections that are
// idle are closed after a while by themselves.
type Client struct {
	base    string // without a slash at its end
	options Options
	http    *http.Client
}

// New checks the options. It makes no connection.
func New(o Options) (*Client, error) {
	base, err := baseURL(o)
	if err != nil {
		return nil, err
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Retry == 0 {
		o.Retry = DefaultRetry
	}
	if o.UserAgent == "" {
		o.UserAgent = "muster-client"
	}
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: Parallel,
		IdleConnTimeout:     time.Minute,
		TLSHandshakeTimeout: 10 * time.Second,
		TLSClientConfig:     &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12},
	}
	return &Client{base: base, options: o, http: &http.Client{Transport: transport, CheckRedirect: noRedirect}}, nil
}

// noRedirect keeps credentials at the server that they are meant for.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func baseURL(o Options) (string, error) {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil:
		// The error of url.Parse would repeat a password.
		return "", fieldErrorf("url", "is not a URL")
	case u.User != nil:
		return "", fieldErrorf("url", "must not hold a user name or password: give them on their own")
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		// Without a scheme, user:password@host has the user for one: it is not quoted either.
		return "", fieldErrorf("url", "must be http:// or https://HOST[:PORT]")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", fieldErrorf("url", "must not have a query or fragment")
	case u.Scheme == "http" && o.RootCAs != nil:
		return "", fieldErrorf("url", "must be https:// for certificates to be of use, is %q", o.URL)
	case u.Scheme == "http" && !o.PlainHTTP && o.hasCredentials() && !loopback(u.Hostname()):
		return "", fmt.Errorf("%w: %s", ErrPlainHTTP, u.Host)
	case o.Token != "" && o.User != "":
		return "", errors.New("token and user: only one of them can be given")
	case strings.Contains(o.User, ":"):
		return "", fieldErrorf("user", "must not contain a colon")
	}
	return strings.TrimSuffix(strings.TrimRight(u.String(), "/"), "/api/v2"), nil
}

// ErrPlainHTTP says that credentials would be sent without TLS to another machine.
var ErrPlainHTTP = errors.New("url: must be https:// for credentials to be sent to another machine")

func fieldErrorf(field, format string, args ...any) error {
	return &topics.FieldError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

func (o Options) hasCredentials() bool { return o.Token != "" || o.User != "" || o.Password != "" }

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// URL is where the manager is.
func (c *Client) URL() string { return c.base }
