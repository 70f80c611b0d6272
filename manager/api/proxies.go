package api

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/realclientip/realclientip-go"
)

const forwardedFor = "X-Forwarded-For"

// ParseProxies reads addresses and CIDRs of reverse proxies, for [Options]. It fails with the first that is neither,
// and with one that is everybody, since then there would be no clients.
func ParseProxies(list []string) ([]net.IPNet, error) {
	var proxies []net.IPNet
	for _, text := range list {
		parsed, err := realclientip.AddressesAndRangesToIPNets(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("must be addresses or CIDRs, such as 10.0.0.5 or 10.0.0.0/24, one is %q", text)
		}
		for _, network := range parsed {
			if ones, _ := network.Mask.Size(); ones == 0 {
				return nil, fmt.Errorf("must be the proxies alone, %q is everybody", text)
			}
		}
		proxies = append(proxies, parsed...)
	}
	return proxies, nil
}

// behind puts the client's address in the place of the proxy's in a request's RemoteAddr. That of a request which
// did not come through one of the proxies stays as it is, whatever its header says: anybody can send one.
func behind(proxies []net.IPNet) (func(http.Handler) http.Handler, error) {
	strategy, err := realclientip.NewRightmostTrustedRangeStrategy(forwardedFor, proxies)
	if err != nil {
		return nil, fmt.Errorf("trusted proxies: %w", err)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			// The peer is the last on the way here. The first from the end who is no proxy is the client.
			way := append(slices.Clip(r.Header.Values(forwardedFor)), r.RemoteAddr)
			found, err := netip.ParseAddr(strategy.ClientIP(http.Header{forwardedFor: way}, ""))
			peer, _ := netip.ParseAddrPort(r.RemoteAddr)
			if client := found.Unmap().WithZone(""); err == nil && client != peer.Addr().Unmap().WithZone("") {
				r = r.WithContext(r.Context()) // a copy
				r.RemoteAddr = client.String()
			}
			next.ServeHTTP(w, r)
		})
	}, nil
}
