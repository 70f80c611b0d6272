package api_test

import (
	"context"
	"log/slog"
	"testing"

	"muster/broker/client"
	"muster/manager/devices"
	"muster/manager/enroll"
	"muster/manager/enroll/enrolltest"
	"muster/manager/store"
)

// idleFleet knows of the devices what the store has. Nobody listens to what they say, and nobody hears what is published.
func idleFleet(s store.Store) *devices.Fleet {
	return devices.New(deaf{}, s.Devices(), newMaker(s), devices.Options{Identities: s.Identities(), Log: slog.New(slog.DiscardHandler)})
}

// idleDesk is one that tells nobody.
func idleDesk(t testing.TB, s store.Store) *enroll.Desk {
	t.Helper()
	desk, err := enroll.New(enroll.Options{
		Tokens: s.Tokens(), Identities: s.Identities(), Devices: s.Devices(), Audit: s.Audit(), Authority: enrolltest.NewAuthority(t),
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return desk
}

// deaf is a client of a broker that nobody else is at.
type deaf struct{ client.Client }

func (deaf) Publish(context.Context, client.Message) error { return nil }
