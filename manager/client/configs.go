package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// A ConfigHead is one config that a device_group has had, without its content.
type ConfigHead struct {
	ConfigID int64     `json:"config_id"`
	Epoch    string    `json:"epoch"`
	IssuedAt time.Time `json:"issued_at"`
	// By is who made the change, as far as known.
	By     string `json:"by"`
	SHA256 string `json:"sha256"`
}

// Configs lists the configs that a device_group has had, newest first, page by page. An error ends it; it is
// [ErrNotFound] for a group that neither exists nor had a config.
func (c *Client) Configs(ctx context.Context, group string) iter.Seq2[ConfigHead, error] {
	what, err := about(call{do: "list", query: values("page_size", "100")}, "device_group", group, "/configs")
	if err != nil {
		return func(yield func(ConfigHead, error) bool) { yield(ConfigHead{}, err) }
	}
	type page struct {
		Configs []ConfigHead `json:"configs"`
		Next    *int64       `json:"next"`
	}
	return pages(ctx, c, what, func(p page) ([]ConfigHead, url.Values) {
		if p.Next == nil {
			return p.Configs, nil
		}
		return p.Configs, values("before", strconv.FormatInt(*p.Next, 10))
	})
}

// Config is one config of a device_group, byte for byte as its devices were given it: see [topics.Config].
func (c *Client) Config(ctx context.Context, group string, id int64) (json.RawMessage, error) {
	return one[json.RawMessage](ctx, c, call{method: http.MethodGet, do: "get config of"}, "device_group", group, "/configs/"+strconv.FormatInt(id, 10))
}

// Info is the config that a device_group has now.
func (c *Client) Info(ctx context.Context, group string) (json.RawMessage, error) {
	return one[json.RawMessage](ctx, c, call{method: http.MethodGet, do: "get config of"}, "device_group", group, "/info")
}
