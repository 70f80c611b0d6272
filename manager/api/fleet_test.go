package api_test

import (
	"context"
	"log/slog"

	"muster/broker/client"
	"muster/manager/devices"
	"muster/manager/store"
)

// idleFleet knows of the devices what the store has. Nobody listens to what they say, and nobody hears what is published.
func idleFleet(s store.Store) *devices.Fleet {
	return devices.New(deaf{}, s.Devices(), newMaker(s), devices.Options{Log: slog.New(slog.DiscardHandler)})
}

// deaf is a client of a broker that nobody else is at.
type deaf struct{ client.Client }

func (deaf) Publish(context.Context, client.Message) error { return nil }
