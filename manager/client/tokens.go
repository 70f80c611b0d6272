package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"muster/manager/store"
)

// token is the word for one.
const token = "token"

// A NewToken says what a token to be made is for. Fields that are left zero are left to the manager.
type NewToken struct {
	Kind store.TokenKind `json:"kind"`
	// Name is required of an API token, and no other has it.
	Name string `json:"name,omitempty"`
	// TTL is how long it is good for, in whole seconds.
	TTL time.Duration `json:"-"`

	// What follows is an enrollment token's: see [store.Token].

	DeviceGroup string `json:"device_group,omitempty"`
	Device      string `json:"device,omitempty"`
	Uses        int64  `json:"uses,omitempty"`
	Approve     bool   `json:"approve,omitempty"`

	// What follows is an API token's.

	Admin      bool     `json:"admin,omitempty"`
	UserGroups []string `json:"user_groups,omitempty"`
	MQTTRole   string   `json:"mqtt_role,omitempty"`
	BrokerAuth bool     `json:"broker_auth,omitempty"`
}

// CreateToken makes a token, and returns it with the text that its bearer has to show: it cannot be read again. It fails with
// [ErrExists] when there is an API token of that name, and is not tried twice.
func (c *Client) CreateToken(ctx context.Context, t NewToken) (made store.Token, text string, err error) {
	var answer struct {
		store.Token
		Text string `json:"token"`
	}
	body := struct {
		NewToken
		TTLSeconds int64 `json:"ttl_seconds,omitempty"`
	}{t, int64(t.TTL / time.Second)}
	_, err = c.do(ctx, call{method: http.MethodPost, path: "/tokens", do: "create", kind: token, name: t.Name, body: body}, &answer)
	return answer.Token, answer.Text, err
}

// Tokens lists all tokens of a kind, or of both when it is empty, the oldest first. None has a hash.
func (c *Client) Tokens(ctx context.Context, kind store.TokenKind) ([]store.Token, error) {
	var query url.Values
	if kind != "" {
		query = values("kind", string(kind))
	}
	var answer struct{ Tokens []store.Token }
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/tokens", do: "list", kind: "tokens", query: query}, &answer)
	return answer.Tokens, err
}

// DeleteToken ends a token, by its ID. It fails with [ErrNotFound], but not when an attempt of its own may have deleted it.
func (c *Client) DeleteToken(ctx context.Context, id string) error { return c.remove(ctx, token, id) }
