package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
)

// A place is a client with an address of its own, who asks either the manager or a proxy in front of it.
type place struct {
	*serving
	client *http.Client
	url    string
}

func (s *serving) from(addr, url string) place {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(addr)}}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, to)
	}}
	s.t.Cleanup(transport.CloseIdleConnections)
	return place{s, &http.Client{Transport: transport}, url}
}

// login gives the status of one; an empty password is the right one.
func (p place) login(password, forwardedFor string) int {
	p.t.Helper()
	r := p.request(http.MethodGet, "/api/v2/status", nil)
	to, err := url.Parse(p.url)
	if err != nil {
		p.t.Fatal(err)
	}
	r.URL.Host = to.Host
	if password != "" {
		r.SetBasicAuth("admin", password)
	}
	if forwardedFor != "" {
		r.Header.Set("X-Forwarded-For", forwardedFor)
	}
	status, _, err := ask(p.client, r)
	if err != nil {
		p.t.Fatal(err)
	}
	return status
}

// guess guesses until that is too often, saying each time to be somebody else if forge says so.
func (p place) guess(forge func(i int) string) {
	p.t.Helper()
	for i := range 200 {
		if p.login(fmt.Sprint("guess", i), forge(i)) == http.StatusTooManyRequests {
			return
		}
	}
	p.t.Error("200 guesses are not too many")
}

// startProxy starts a reverse proxy that adds its client to those that the header has already.
func startProxy(t *testing.T, to string) string {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
		r.SetXForwarded()
	}})
	t.Cleanup(proxy.Close)
	return proxy.URL
}

// Behind a proxy that is trusted, one who guesses keeps nobody else out, and saying to be somebody else helps nobody.
func TestGuessesBehindAProxy(t *testing.T) {
	const guesser, admin = "127.0.0.2", "127.0.0.3"
	honest := func(int) string { return "" }
	forger := func(i int) string { return fmt.Sprintf("198.51.100.%d", i) }
	asProxy := func(i int) string { return fmt.Sprintf("198.51.100.%d, 127.0.0.1", i) }
	asAdmin := func(int) string { return admin }
	for _, tc := range []struct {
		name    string
		trusted string
		direct  bool // the guesser goes round the proxy
		forge   func(int) string
		want    int // what the admin is told, through the proxy
	}{
		{"honest", "127.0.0.1", false, honest, 200},
		{"forged", "127.0.0.1", false, forger, 200},
		{"forged proxy", "127.0.0.1", false, asProxy, 200},
		{"forged admin", "127.0.0.1", false, asAdmin, 200},
		{"round the proxy", "127.0.0.1", true, honest, 200},
		{"forged, round the proxy", "127.0.0.1", true, forger, 200},
		{"forged proxy, round the proxy", "127.0.0.1", true, asProxy, 200},
		{"forged admin, round the proxy", "127.0.0.1", true, asAdmin, 200},
		{"the proxy is not trusted", "", false, honest, 429},
		{"forged, the proxy is not trusted", "", false, forger, 429},
		{"another proxy is trusted", "127.0.0.9,10.0.0.0/8", false, honest, 429},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := startServing(t, "--trusted-proxies="+tc.trusted)
			through := startProxy(t, s.url)
			at := through
			if tc.direct {
				at = s.url
			}
			s.from(guesser, at).guess(tc.forge)
			if got := s.from(admin, through).login("", ""); got != tc.want {
				t.Errorf("the admin is told %d, want %d", got, tc.want)
			}
		})
	}
}
