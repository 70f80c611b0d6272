package identity

import (
	"context"
	"crypto/x509"
	"log/slog"
	"math/big"
	"time"

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

// Verify judges the certificates that a server shows.
func (k *Keeper) Verify(host string, shown ...*x509.Certificate) error {
	k.Log = slog.New(slog.DiscardHandler)
	return k.verify(host, shown, k.trust())
}

// Passed notes that a time has passed for certain.
func Passed(dir string, t time.Time) error {
	c, err := loadClock(dir, time.Time{})
	if err != nil {
		return err
	}
	return c.passed(t)
}

var serialOne = []*x509.Certificate{{SerialNumber: big.NewInt(1)}}

// Doubts reports whether the device asks in which group it is.
func (k *Keeper) Doubts() bool { return k.doubted.Load() }

// LetIn notes that the server whose certificate was verified last has let the device in.
func (k *Keeper) LetIn() error { return k.clock.letIn() }
