package admin

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"muster/cmd/muster/internal/device"
	"muster/cmd/muster/internal/output"
	"muster/manager/client"
	"muster/manager/fleet"
)

// waiting selects devices that wait for an admin to let them in.
type waiting struct{ group, tokenID string }

// applicants are devices that wait.
type applicants []fleet.Detail

func (w waiting) find(ctx context.Context, c *client.Client) (found applicants, err error) {
	pending := true
	for listed, err := range c.Devices(ctx, client.DeviceQuery{DeviceGroup: w.group, Pending: &pending}) {
		if err != nil {
			return nil, err
		}
		d, err := c.Device(ctx, listed.Device)
		switch {
		case errors.Is(err, client.ErrNotFound): // it was deleted meanwhile
		case err != nil:
			return nil, err
		case waits(d) && (w.tokenID == "" || w.tokenID == d.Identity.TokenID):
			found = append(found, d)
		}
	}
	return found, nil
}

// agreed are their names, if somebody says yes who has seen them.
func (a applicants) agreed(command *cobra.Command, sure bool, done string) (names []string, err error) {
	rows := make([][]string, len(a))
	for i, d := range a {
		names = append(names, d.Device.Device)
		rows[i] = []string{d.Device.Device, d.DeviceGroup, d.Identity.TokenID, device.Ago(&d.Identity.Requested, time.Now()), d.Identity.KeySHA256}
	}
	if sure {
		return names, nil
	}
	if err := output.Table.Print(command.ErrOrStderr(), nil, []string{"name", "device_group", "token_id", "asked", "key_sha256"}, rows); err != nil {
		return nil, err
	}
	return names, confirm(command, "%d devices are to be %s.", len(a), done)
}

// pendingNames offers devices that wait.
func pendingNames(ctx context.Context, c *client.Client, _ []string, begun string) (names []string, err error) {
	pending := true
	for d, err := range c.Devices(ctx, client.DeviceQuery{Pending: &pending}) {
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(d.Device, begun) {
			names = append(names, d.Device)
		}
		if len(names) == maxOffered {
			break
		}
	}
	return names, nil
}
