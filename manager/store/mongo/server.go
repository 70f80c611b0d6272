package mongo

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"

	"github.com/oklog/ulid/v2"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// storeCollection holds the one document that says which store this is.
const storeCollection = "muster_store"

// checkServer reports what the server cannot do that Muster counts on.
func (s *Store) checkServer(ctx context.Context, log *slog.Logger) error {
	var info struct {
		Version  string         `bson:"version"`
		Numbers  []int          `bson:"versionArray"`
		FerretDB map[string]any `bson:"ferretdb"`
	}
	if err := s.db.Client().Database("admin").RunCommand(ctx, bson.D{{Key: "buildInfo", Value: 1}}).Decode(&info); err != nil {
		return err
	}
	if len(info.Numbers) > 0 && info.Numbers[0] < 5 {
		log.Warn("MongoDB is older than 5.0: env_vars with a name that begins with $ are kept as text, which Nebula cannot read", "version", info.Version)
	}
	if info.FerretDB != nil {
		log.Warn("FerretDB before version 2 loses changes that are made to one document at once: use it for tests only",
			"version", fmt.Sprint(info.FerretDB["version"]))
	}
	return nil
}

// makeEpoch makes the epoch, unless there is one, and returns the one that there is. It is one document
// with a fixed _id, so of several managers that start at once one makes it.
func (s *Store) makeEpoch(ctx context.Context) (string, error) {
	fresh := ulid.MustNew(ulid.Now(), rand.Reader).String()
	_, err := s.db.Collection(storeCollection).InsertOne(ctx, bson.D{{Key: "_id", Value: storeCollection}, {Key: "epoch", Value: fresh}})
	if err != nil && !mongo.IsDuplicateKeyError(err) {
		return "", err
	}
	return s.readEpoch(ctx)
}

func (s *Store) readEpoch(ctx context.Context) (string, error) {
	var doc struct {
		Epoch string `bson:"epoch"`
	}
	err := s.db.Collection(storeCollection).FindOne(ctx, bson.D{{Key: "_id", Value: storeCollection}}).Decode(&doc)
	return doc.Epoch, err
}
