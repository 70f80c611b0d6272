package mongo

import (
	"context"
	"fmt"
	"log/slog"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// An index is one that a collection needs.
type index struct {
	collection string
	keys       bson.D
	unique     bool
	// name is given when Nebula has a name for it; so is sparse.
	name   string
	sparse bool
}

func ascending(fields ...string) bson.D {
	keys := bson.D{}
	for _, field := range fields {
		keys = append(keys, bson.E{Key: field, Value: 1})
	}
	return keys
}

// nebulas is a unique index by Nebula's name and with its options, so that a Nebula manager that makes it too
// finds nothing to object to.
func nebulas(collection, field string) index {
	return index{collection: collection, keys: ascending(field), unique: true, name: field + "_index", sparse: true}
}

var indexes = []index{
	nebulas(apps.collection, apps.key),
	nebulas(cronJobs.collection, cronJobs.key),
	nebulas(deviceGroups.collection, deviceGroups.key),
	nebulas(users.collection, users.key),
	nebulas(userGroups.collection, userGroups.key),
	{collection: tokens.collection, keys: ascending(tokens.key), unique: true},
	{collection: authorities.collection, keys: ascending(authorities.key), unique: true},
	{collection: acmeEntries.collection, keys: ascending(acmeEntries.key), unique: true},
	{collection: identityRows.collection, keys: ascending(identityRows.key), unique: true},
	{collection: identityRows.collection, keys: ascending("changed", identityRows.key)},
	{collection: identityRows.collection, keys: ascending("state", identityRows.key)},
	{collection: identityRows.collection, keys: ascending("device_group", identityRows.key)},
	{collection: identityRows.collection, keys: ascending("token_id", identityRows.key)},
	{collection: snapshotCollection, keys: latestOfGroup, unique: true},
	{collection: auditCollection, keys: ascending("kind", "name", "_id")},
	{collection: auditCollection, keys: ascending("by", "_id")},
	{collection: deviceCollection, keys: ascending("changed", "_id")},
	{collection: reportCollection, keys: ascending("hostname", "_id")},
	{collection: reportCollection, keys: ascending("device_group", "_id")},
	{collection: reportCollection, keys: ascending(creationTime, "_id")},
}

// ensureIndexes makes the indexes that are missing. One that there is on the same fields, and as strict, is
// as good, whatever its name and other options.
func (s *Store) ensureIndexes(ctx context.Context, log *slog.Logger) error {
	for _, i := range indexes {
		var there bool
		err := s.call(ctx, func(ctx context.Context) (err error) {
			there, err = s.hasIndex(ctx, i)
			return err
		})
		if err != nil {
			return err
		}
		if there {
			continue
		}
		log.Info("makes an index, which takes its time if the collection is large", "collection", i.collection, "of", fmt.Sprint(i.keys))
		o := options.Index()
		if i.unique {
			o.SetUnique(true)
		}
		if i.name != "" {
			o.SetName(i.name).SetSparse(i.sparse)
		}
		// The reports of a Nebula may be so many that this takes minutes, and a server that is interrupted begins anew.
		_, err = s.db.Collection(i.collection).Indexes().CreateOne(ctx, mongo.IndexModel{Keys: i.keys, Options: o})
		if err != nil {
			// Servers do not agree on how they say why.
			return s.address.explain(fmt.Errorf("index of %[1]s in collection %[2]s: %[3]w (if two documents there have the same %[1]s, remove one of them)",
				i.keys[0].Key, i.collection, err))
		}
	}
	return nil
}

func (s *Store) hasIndex(ctx context.Context, want index) (bool, error) {
	cursor, err := s.db.Collection(want.collection).Indexes().List(ctx)
	if err != nil {
		return false, err
	}
	var there []struct {
		Key     bson.D `bson:"key"`
		Unique  bool   `bson:"unique"`
		Partial bson.D `bson:"partialFilterExpression"`
	}
	if err := cursor.All(ctx, &there); err != nil {
		return false, err
	}
	for _, i := range there {
		if sameKeys(i.Key, want.keys) && i.Partial == nil && (i.Unique || !want.unique) {
			return true, nil
		}
	}
	return false, nil
}

// sameKeys compares as text: a direction is an int, a long or a double, depending on who made the index.
func sameKeys(a, b bson.D) bool { return fmt.Sprint(a) == fmt.Sprint(b) }
