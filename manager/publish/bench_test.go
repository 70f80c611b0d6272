package publish_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"muster/broker/client"
	"muster/broker/client/network"
	"muster/manager/publish"
	"muster/manager/snapshot"
	"muster/manager/store"
	"muster/manager/store/sqlite"
	"muster/topics"
)

// BenchmarkPokeToPublish is the time from a poke after a change to its config being at a subscriber on the
// network, with the embedded broker.
func BenchmarkPokeToPublish(b *testing.B) {
	bus := embedded(b)
	st, err := sqlite.Open(b.Context(), sqlite.Options{Path: filepath.Join(b.TempDir(), "muster.db"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	if err := st.DeviceGroups().Create(b.Context(), store.DeviceGroup{DeviceGroup: "a", DeviceGroupID: 1, PruneID: 1}); err != nil {
		b.Fatal(err)
	}
	maker := snapshot.New(st, time.Now, slog.New(slog.DiscardHandler))
	p, err := publish.New(bus.manager, maker, st.Snapshots(), publish.Options{
		Manager: "m1", Epoch: st.Epoch(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	defer running.Wait()
	defer cancel()

	subscriber, err := network.Dial(network.Options{URL: bus.url, ClientID: "subscriber"})
	if err != nil {
		b.Fatal(err)
	}
	defer subscriber.Close()
	heard := make(chan struct{}, 100)
	err = subscriber.Subscribe(client.Subscription{
		Filter: topics.DefaultRoot.Topic(topics.GroupConfig, "a"), Handler: func(client.Message) { heard <- struct{}{} },
	})
	if err != nil {
		b.Fatal(err)
	}
	<-heard
	for b.Loop() {
		_, err := st.DeviceGroups().Modify(b.Context(), "a", func(g *store.DeviceGroup) error {
			g.DeviceGroupID++
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		p.Poke("ada")
		<-heard
	}
}
