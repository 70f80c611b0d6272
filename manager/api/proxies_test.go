package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"muster/manager/api"
	"muster/manager/auth"
)

// A witness lets everybody in and remembers from where they came.
type witness struct {
	api.Authenticator
	remote string
}

func (w *witness) REST(r *http.Request) (auth.Identity, error) {
	w.remote = r.RemoteAddr
	return auth.Identity{Admin: true}, nil
}

// Who counts guesses and the log are told the same: the client's address when proxies that are trusted say it, else
// the connection's.
func TestWhomARequestIsFrom(t *testing.T) {
	const (
		proxy  = "192.0.2.1:5000"
		proxy6 = "[2001:db8:1::1]:5000"
		other  = "203.0.113.9:5000"
		client = "198.51.100.7"
	)
	trusted := []string{"192.0.2.1", "10.0.0.0/8", " 2001:db8:1::/64", "::ffff:172.16.0.1"}
	for _, tc := range []struct {
		name    string
		trusted []string
		peer    string
		headers []string
		want    string
	}{
		{"nobody is trusted", nil, proxy, []string{client}, proxy},
		{"nobody says anything", trusted, proxy, nil, proxy},
		{"one says nothing", trusted, proxy, []string{""}, proxy},
		{"a proxy says it", trusted, proxy, []string{client}, client},
		{"somebody else says it", trusted, other, []string{client}, other},
		{"somebody else says they are a proxy", trusted, other, []string{client + ", 10.0.0.1"}, other},
		{"two proxies", trusted, proxy, []string{client + ", 10.1.2.3"}, client},
		{"a forged one first", trusted, proxy, []string{"1.2.3.4, " + client}, client},
		{"a forged proxy first", trusted, proxy, []string{"1.2.3.4,10.0.0.1," + client + ",10.0.0.2"}, client},
		{"several lines", trusted, proxy, []string{"1.2.3.4", client, "10.0.0.1, 10.0.0.2"}, client},
		{"nonsense before the client", trusted, proxy, []string{"?!, " + client}, client},
		{"nonsense", trusted, proxy, []string{client + ", ?!"}, proxy},
		{"nonsense behind proxies", trusted, proxy, []string{client + ", unknown, 10.0.0.1"}, proxy},
		{"an entry left empty", trusted, proxy, []string{client + ",,10.0.0.1"}, proxy},
		{"no address", trusted, proxy, []string{"0.0.0.0"}, proxy},
		{"proxies alone", trusted, proxy, []string{"10.0.0.1, 10.0.0.2"}, proxy},
		{"the proxy itself", trusted, proxy, []string{"192.0.2.1"}, proxy},
		{"port", trusted, proxy, []string{client + ":4711"}, client},
		{"IPv6", trusted, proxy, []string{"2001:db8:2::7"}, "2001:db8:2::7"},
		{"IPv6 in brackets", trusted, proxy, []string{"[2001:db8:2::7]"}, "2001:db8:2::7"},
		{"IPv6 with a port", trusted, proxy, []string{"[2001:db8:2::7]:4711"}, "2001:db8:2::7"},
		{"IPv6 with a zone", trusted, proxy, []string{"fe80::7%eth0"}, "fe80::7"},
		{"IPv4 in IPv6", trusted, proxy, []string{"::ffff:" + client}, client},
		{"proxy in IPv6", trusted, proxy6, []string{client}, client},
		{"proxies in IPv6", trusted, proxy, []string{client + ", 2001:db8:1::2, [2001:db8:1::3]:80"}, client},
		{"peer IPv4 in IPv6", trusted, "[::ffff:192.0.2.1]:5000", []string{client}, client},
		{"proxy IPv4 in IPv6", trusted, proxy, []string{client + ", ::ffff:10.0.0.1"}, client},
		{"proxy given as IPv4 in IPv6", trusted, "172.16.0.1:5000", []string{client}, client},
		{"no peer", trusted, "@", []string{client}, "@"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			proxies, err := api.ParseProxies(tc.trusted)
			if err != nil {
				t.Fatal(err)
			}
			who := &witness{}
			m := newManagerWith(t, openStore(t), func(o *api.Options) { o.Auth, o.TrustedProxies = who, proxies })
			r := httptest.NewRequestWithContext(t.Context(), "GET", "/api/v2/status", nil)
			r.RemoteAddr, r.Header["X-Forwarded-For"] = tc.peer, tc.headers
			w := httptest.NewRecorder()
			m.handler.ServeHTTP(w, r)
			if w.Code != 200 || who.remote != tc.want {
				t.Errorf("%d, from %s, want %s", w.Code, who.remote, tc.want)
			}
			if want := fmt.Sprintf("remote=%s\n", tc.want); !strings.Contains(strings.ReplaceAll(m.log.String(), `"`, ""), want) {
				t.Errorf("no %q in the log:\n%s", want, m.log)
			}
		})
	}
}

func TestProxiesAreRefused(t *testing.T) {
	for _, text := range []string{"", "proxy", "10.0.0.0/33", "10.0.0.1:80", "10.0.0", "fe80::1%eth0", "10.0.0.0-10.0.0.9", "0.0.0.0/0", "::/0"} {
		if got, err := api.ParseProxies([]string{"10.0.0.1", text}); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", text)) {
			t.Errorf("%q: %v, %v, want an error that quotes it", text, got, err)
		}
	}
}
