package apitest

import (
	"context"
	"sync"
	"testing"
	"time"

	"muster/broker"
	"muster/broker/client"
	"muster/manager/devices"
	"muster/manager/store"
	"muster/topics"
)

// startFleet runs a fleet on an embedded broker of its own until the test ends.
func startFleet(t testing.TB, s store.Store, configs devices.Configs) (client.Client, *devices.Fleet) {
	t.Helper()
	server, err := broker.Listen(broker.Options{
		Root: topics.DefaultRoot, TCPAddr: "127.0.0.1:0", Log: discard,
		Authenticate: func(broker.Login) (topics.Subject, error) { return topics.Subject{Role: topics.RoleLocal}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	manager, bus := server.Client("manager"), server.Client("devices")
	known := devices.New(manager, s.Devices(), configs, devices.Options{Identities: s.Identities(), Settle: 10 * time.Millisecond, CacheTime: 50 * time.Millisecond, Log: discard})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() { known.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		for _, closing := range []func() error{manager.Close, bus.Close, server.Close} {
			if err := closing(); err != nil {
				t.Error(err)
			}
		}
	})
	return bus, known
}
