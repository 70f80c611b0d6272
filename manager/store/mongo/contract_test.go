package mongo

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"muster/manager/store"
	"muster/manager/store/mongo/mongotest"
	"muster/manager/store/storetest"
	"muster/test/rig"
)

var discard = slog.New(slog.DiscardHandler)

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Backend {
		url := rig.MongoDB(t)
		return storetest.Backend{
			// FerretDB takes its time for ten thousand documents; the suite has a deadline of its own.
			Open: func(ctx context.Context) (store.Store, error) {
				return Open(ctx, Options{URL: url, Log: discard, Timeout: time.Hour})
			},
			Plant: func(ctx context.Context, plural, name, doc string) error {
				return mongotest.Plant(ctx, url, plural, name, doc)
			},
		}
	})
}

// database is what another program has of the database at a URL.
func database(t testing.TB, url string) *mongo.Database {
	t.Helper()
	options, at, err := parseURL(url, "", discard)
	if err != nil {
		t.Fatal(err)
	}
	client, err := mongo.Connect(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	return client.Database(at.database)
}
