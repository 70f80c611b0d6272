package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"muster/manager/fleet"
	"muster/manager/store"
	"muster/topics"
)

// Actions are what can be done with one object besides reading and changing its fields. None is tried twice.

// Status reports why the manager does not answer, or not to these credentials; nil when it does.
func (c *Client) Status(ctx context.Context) error {
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/status", do: "get", kind: "status"}, nil)
	return err
}

// RestartApp has devices restart the app's containers. It fails when the app is not running, and with [ErrNotFound].
func (c *Client) RestartApp(ctx context.Context, name string) (topics.App, error) {
	return one[topics.App](ctx, c, call{method: http.MethodPost, do: "restart"}, "app", name, "/restart")
}

// StartApp has devices run the app. It fails with [ErrNotFound].
func (c *Client) StartApp(ctx context.Context, name string) (topics.App, error) {
	return one[topics.App](ctx, c, call{method: http.MethodPost, do: "start"}, "app", name, "/start")
}

// StopApp has devices remove the app's containers. It fails with [ErrNotFound].
func (c *Client) StopApp(ctx context.Context, name string) (topics.App, error) {
	return one[topics.App](ctx, c, call{method: http.MethodPost, do: "stop"}, "app", name, "/stop")
}

// ApproveDevice lets a device in that waits for an admin, and leaves one that is let in as it is. It fails when the device has no
// identity, and when it was revoked.
func (c *Client) ApproveDevice(ctx context.Context, name string) (fleet.Detail, error) {
	return one[fleet.Detail](ctx, c, call{method: http.MethodPost, do: "approve"}, device, name, "/approve")
}

// RevokeDevice shuts a device out, for good. It fails when the device has no identity, and with [ErrNotFound].
func (c *Client) RevokeDevice(ctx context.Context, name string) (fleet.Detail, error) {
	return one[fleet.Detail](ctx, c, call{method: http.MethodPost, do: "revoke"}, device, name, "/revoke")
}

// Prune has the devices of a device_group remove images that they do not use. It fails with [ErrNotFound].
func (c *Client) Prune(ctx context.Context, group string) (store.DeviceGroup, error) {
	return one[store.DeviceGroup](ctx, c, call{method: http.MethodPost, do: "prune"}, "device_group", group, "/prune")
}

// PruneAll is Prune for every device_group. It gives their prune_ids by name, with an error those of the groups that
// were pruned all the same.
func (c *Client) PruneAll(ctx context.Context) (ids map[string]int64, err error) {
	answer := map[string]json.RawMessage{}
	_, err = c.do(ctx, call{method: http.MethodPost, path: "/prune", do: "prune", kind: "all device_groups"}, &answer)
	if refusal, ok := errors.AsType[*Error](err); ok {
		answer = refusal.answer
	}
	if given := answer["prune_ids"]; given != nil {
		if wrong := json.Unmarshal(given, &ids); wrong != nil {
			err = errors.Join(err, fmt.Errorf("prune all device_groups: prune_ids: %w", wrong))
		}
	}
	return ids, err
}

// RefreshUser gives the user a new token in place of the one that it has, and returns it: it cannot be read again.
// It fails with [ErrNotFound].
func (c *Client) RefreshUser(ctx context.Context, name string) (token string, err error) {
	answer, err := one[struct {
		Token string `json:"token"`
	}](ctx, c, call{method: http.MethodPost, do: "refresh"}, "user", name, "/refresh")
	return answer.Token, err
}
