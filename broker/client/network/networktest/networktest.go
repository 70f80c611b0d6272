// Package networktest makes network clients for tests: they reconnect within milliseconds and log to the
// test.
package networktest

import (
	"log/slog"
	"testing"
	"time"

	"muster/broker/client"
	"muster/broker/client/clienttest"
	"muster/broker/client/network"
)

// Dial makes a client that ends with the test. It sets o.Backoff, and o.Log when that is nil.
func Dial(t *testing.T, o network.Options) *network.Client {
	t.Helper()
	o.Backoff = network.Backoff{Min: 5 * time.Millisecond, Max: 50 * time.Millisecond}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	c, err := network.Dial(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Dialer is the network client as [clienttest.RunRemote] wants it.
func Dialer(t *testing.T, o clienttest.DialOptions) client.Client {
	t.Helper()
	return Dial(t, network.Options{URL: o.URL, ClientID: o.ID, Will: o.Will})
}
