// Package mongotest is another program that uses the database of a store, for tests.
package mongotest

import (
	"context"
	"fmt"
	"path"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// keys are the fields with the name, by the plural of the kind.
var keys = map[string]string{
	"apps": "app_name", "cron_jobs": "cron_job_name", "device_groups": "device_group", "users": "user_name", "user_groups": "user_group",
	"tokens": "id", "authorities": "id", "identities": "device", "acme": "name",
}

// ours are the kinds that Nebula does not have.
var ours = map[string]bool{"tokens": true, "authorities": true, "identities": true, "acme": true}

// Plant puts a document into the collection of a kind, or replaces the one of that name, in the database that
// url names. doc is JSON; what is none becomes a document that has the name and nothing else.
func Plant(ctx context.Context, url, plural, name, doc string) error {
	key, ok := keys[plural]
	if !ok {
		return fmt.Errorf("plant: there are no %s", plural)
	}
	prefix := "nebula_"
	if ours[plural] {
		prefix = "muster_"
	}
	var fields bson.D
	if err := bson.UnmarshalExtJSON([]byte(doc), false, &fields); err != nil {
		fields = bson.D{{Key: key, Value: name}}
	}
	client, err := mongo.Connect(options.Client().ApplyURI(url))
	if err != nil {
		return err
	}
	defer func() { _ = client.Disconnect(ctx) }()
	before, _, _ := strings.Cut(url, "?")
	_, err = client.Database(path.Base(before)).Collection(prefix+plural).
		ReplaceOne(ctx, bson.D{{Key: key, Value: name}}, fields, options.Replace().SetUpsert(true))
	return err
}
