package client

import (
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestOptionsAreRefused(t *testing.T) {
	for _, tc := range []struct {
		name string
		o    Options
		want string
	}{
		{"no URL", Options{}, "url: must be http:// or https://HOST[:PORT]"},
		{"no scheme", Options{URL: "127.0.0.1:8080"}, "url: is not a URL"},
		{"no scheme, a name", Options{URL: "manager:8080"}, "url: must be http://"},
		{"another scheme", Options{URL: "mqtt://manager"}, "url: must be http://"},
		{"no host", Options{URL: "http:///api"}, "url: must be http://"},
		{"credentials in it", Options{URL: "https://u:secret@manager"}, "url: must not hold a user name or password"},
		{"not a URL", Options{URL: "https://u:secret@mana ger"}, "url: is not a URL"},
		{"query", Options{URL: "https://manager/?token=secret"}, "url: must not have a query"},
		{"query without a host", Options{URL: "https:///?token=secret"}, "url: must be http://"},
		{"fragment", Options{URL: "https://manager/#secret"}, "url: must not have a query or fragment"},
		{"credentials without a scheme", Options{URL: "u:secret@manager"}, "url: must be http://"},
		{"token over plain HTTP", Options{URL: "http://manager:8080", Token: "secret"}, "url: must be https://"},
		{"password over plain HTTP", Options{URL: "http://192.168.0.1", User: "u", Password: "secret"}, "url: must be https://"},
		{"token and user", Options{URL: "https://manager", Token: "secret", User: "u"}, "token and user: only one"},
		{"user that Basic cannot say", Options{URL: "https://manager", User: "a:b"}, "user: must not contain a colon"},
		{"certificates without TLS", Options{URL: "http://127.0.0.1", RootCAs: x509.NewCertPool()}, "url: must be https://"},
	} {
		_, err := New(tc.o)
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
	if _, err := New(Options{URL: "http://manager", Token: "t"}); !errors.Is(err, ErrPlainHTTP) {
		t.Errorf("plain HTTP: %v", err)
	}
}

func TestOptionsAreTaken(t *testing.T) {
	for _, o := range []Options{
		{URL: "http://manager:8080"}, // without credentials
		{URL: "http://127.0.0.1:8080", Token: "t"},
		{URL: "http://[::1]:8080", User: "u", Password: "p"},
		{URL: "http://localhost:8080", Token: "t"},
		{URL: "http://manager:8080", Token: "t", PlainHTTP: true},
		{URL: "https://manager:8080", Token: "t"},
	} {
		if _, err := New(o); err != nil {
			t.Errorf("%s: %v", o.URL, err)
		}
	}
}

// What is asked, of which path, and as whom.
func TestRequests(t *testing.T) {
	for url, want := range map[string]string{
		"http://127.0.0.1:8080":              "http://127.0.0.1:8080/api/v2/apps/a%2Fb%20c",
		"http://127.0.0.1:8080/":             "http://127.0.0.1:8080/api/v2/apps/a%2Fb%20c",
		"http://127.0.0.1:8080/api/v2":       "http://127.0.0.1:8080/api/v2/apps/a%2Fb%20c",
		"http://127.0.0.1:8080/api/v2/":      "http://127.0.0.1:8080/api/v2/apps/a%2Fb%20c",
		"https://proxy.example/muster/":      "https://proxy.example/muster/api/v2/apps/a%2Fb%20c",
		"https://proxy.example/muster/api/v": "https://proxy.example/muster/api/v/api/v2/apps/a%2Fb%20c",
	} {
		c, s := play(t, Options{URL: url, Token: "t0ken", UserAgent: "muster/1.2"}, app)
		if _, err := c.Apps().Get(t.Context(), "a/b c"); err != nil {
			t.Fatal(err)
		}
		r := s.requests[0]
		if r.URL.String() != want || r.Header.Get("Authorization") != "Bearer t0ken" || r.Header.Get("User-Agent") != "muster/1.2" || r.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s: %s %v, want %s", url, r.URL, r.Header, want)
		}
	}
	c, s := play(t, Options{User: "u", Password: "p"}, busy, app)
	if _, err := c.Apps().Get(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	if user, password, ok := s.requests[1].BasicAuth(); !ok || user != "u" || password != "p" {
		t.Errorf("Basic %q %q %v", user, password, ok)
	}
	if s.requests[0].Header.Get("X-Request-Id") != s.requests[1].Header.Get("X-Request-Id") {
		t.Error("attempts of one call have different request ids")
	}
	if _, err := c.Apps().Get(t.Context(), ""); err == nil || len(s.requests) != 2 {
		t.Errorf("an empty name: %v after %d requests", err, len(s.requests))
	}
}

// Credentials stay at the server that they are meant for.
func TestRedirectsAreNotFollowed(t *testing.T) {
	asked := 0
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer elsewhere.Close()
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	c, err := New(Options{URL: server.URL, Token: "t"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Apps().Get(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "307") || asked != 0 {
		t.Errorf("%v, and %d requests elsewhere", err, asked)
	}
}
