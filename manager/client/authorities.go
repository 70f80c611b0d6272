package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"muster/manager/authority"
)

// kindAuthority is the word for one.
const kindAuthority = "authority"

// Authorities lists the fleet's certificate authorities, the oldest first.
func (c *Client) Authorities(ctx context.Context) ([]authority.Info, error) {
	var answer struct{ Authorities []authority.Info }
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/authorities", do: "list", kind: "authorities"}, &answer)
	return answer.Authorities, err
}

// Authority reads one, and how many devices would be locked out if it were retired. It fails with [ErrNotFound].
func (c *Client) Authority(ctx context.Context, id string) (info authority.Info, devices int, err error) {
	var answer struct {
		authority.Info
		Devices int
	}
	_, err = c.do(ctx, call{method: http.MethodGet, path: "/authorities/" + url.PathEscape(id), do: "get", kind: kindAuthority, name: id}, &answer)
	return answer.Info, answer.Devices, err
}

// RollAuthority makes the next authority, which issues from now on. It is not tried twice.
func (c *Client) RollAuthority(ctx context.Context) (made authority.Info, err error) {
	_, err = c.do(ctx, call{method: http.MethodPost, path: "/authorities/roll", do: "roll", kind: kindAuthority}, &made)
	return made, err
}

// RetireAuthority ends the belief in devices' certificates of an authority. It is refused while devices would be locked out,
// unless it is forced, and fails with [ErrNotFound].
func (c *Client) RetireAuthority(ctx context.Context, id string, force bool) (retired authority.Info, err error) {
	body := map[string]bool{"force": force}
	_, err = c.do(ctx, call{method: http.MethodPost, path: "/authorities/" + url.PathEscape(id) + "/retire", do: "retire", kind: kindAuthority, name: id, body: body}, &retired)
	return retired, err
}

// CRL reads the certificate revocation lists in PEM, which are good for that many days.
func (c *Client) CRL(ctx context.Context, life time.Duration) (string, error) {
	var answer struct{ CRL string }
	days := strconv.Itoa(int(life / (24 * time.Hour)))
	_, err := c.do(ctx, call{
		method: http.MethodGet, path: "/authorities/crl", do: "read", kind: "certificate revocation lists", query: values("days", days),
	}, &answer)
	return answer.CRL, err
}
