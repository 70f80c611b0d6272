package identity

import (
	"context"

	"muster/broker/client/network"
)

// Renew asks for the next certificate over a connection of its own.
func (k *Keeper) Renew(ctx context.Context, url string) error {
	o := network.Options{URL: url}
	if err := k.address(&o); err != nil {
		return err
	}
	return k.renewAside(ctx, o)
}
