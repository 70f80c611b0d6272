package rig_test

import (
	"path"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"muster/test/rig"
)

func mongoClient(t *testing.T, url string) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(url))
	must(t, err)
	t.Cleanup(func() { _ = client.Disconnect(t.Context()) })
	return client
}

// TestOneChangeAtATime has clients change the same document under a condition that holds for one of them:
// exactly one must be told that it did.
func TestOneChangeAtATime(t *testing.T) {
	docs := mongoClient(t, rig.FerretDB(t).URL()).Database("nebula").Collection("docs")
	_, err := docs.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "a"}, {Key: "n", Value: 0}})
	must(t, err)
	const clients, rounds = 16, 20
	for n := range rounds {
		var told sync.Map
		var all sync.WaitGroup
		for i := range clients {
			all.Go(func() {
				result, err := docs.UpdateOne(t.Context(), bson.D{{Key: "n", Value: n}}, bson.D{{Key: "$set", Value: bson.D{{Key: "n", Value: n + 1}}}})
				if err != nil {
					t.Errorf("client %d: %v", i, err)
				} else if result.ModifiedCount == 1 {
					told.Store(i, true)
				}
			})
		}
		all.Wait()
		count := 0
		told.Range(func(any, any) bool { count++; return true })
		if count != 1 {
			t.Errorf("round %d: %d clients were told that theirs was the change", n, count)
		}
	}
}

func TestFerretDBComesBack(t *testing.T) {
	server := rig.FerretDB(t)
	docs := mongoClient(t, server.URL()).Database("nebula").Collection("docs")
	_, err := docs.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "a"}})
	must(t, err)
	server.Kill()
	server.Start()
	if n, err := docs.CountDocuments(t.Context(), bson.D{}); n != 1 || err != nil {
		t.Errorf("after a kill and a start: %d documents, %v, want 1", n, err)
	}
}

func TestMongoDBIsTheTestsOwn(t *testing.T) {
	names := map[string]bool{}
	for range 2 {
		t.Run("", func(t *testing.T) {
			url := rig.MongoDB(t)
			docs := mongoClient(t, url).Database(path.Base(url)).Collection("docs")
			if n, err := docs.CountDocuments(t.Context(), bson.D{}); n != 0 || err != nil {
				t.Errorf("%d documents, %v, want an empty database", n, err)
			}
			_, err := docs.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "a"}})
			must(t, err)
			names[path.Base(url)] = true
		})
	}
	if len(names) != 2 {
		t.Errorf("got databases %v, want two", names)
	}
	server := mongoClient(t, rig.MongoDB(t))
	left, err := server.ListDatabaseNames(t.Context(), bson.D{})
	must(t, err)
	for _, name := range left {
		if names[name] {
			t.Errorf("database %s outlives its test", name)
		}
	}
}

func TestInDatabase(t *testing.T) {
	for url, want := range map[string]string{
		"mongodb://h":                       "mongodb://h/new",
		"mongodb://a:1,b:2/old?tls=true":    "mongodb://a:1,b:2/new?tls=true",
		"mongodb://u:p@h":                   "mongodb://u:p@h/new?authSource=admin",
		"mongodb://u:p@h/users?tls=true":    "mongodb://u:p@h/new?authSource=users&tls=true",
		"mongodb+srv://u:p@h/?authSource=x": "mongodb+srv://u:p@h/new?authSource=x",
	} {
		if got := rig.InDatabase(url, "new"); got != want {
			t.Errorf("%s: got %s, want %s", url, got, want)
		}
	}
}
