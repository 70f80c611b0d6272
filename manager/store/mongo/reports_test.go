package mongo

import (
	"encoding/json"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"muster/manager/store"
	"muster/test/rig"
)

// TestAnotherUniqueIndex has an admin's own index refuse a report: that is not taken for one that is there already.
func TestAnotherUniqueIndex(t *testing.T) {
	url := rig.MongoDB(t)
	s := open(t, Options{URL: url})
	_, err := database(t, url).Collection(reportCollection).Indexes().CreateOne(t.Context(),
		mongo.IndexModel{Keys: bson.D{{Key: "serial", Value: 1}}, Options: options.Index().SetUnique(true)})
	if err != nil {
		t.Fatal(err)
	}
	report := func(id string) store.Report { return store.Report{ID: id, Doc: json.RawMessage(`{"serial":1}`)} }
	one, other := report("5c0000000000000000000001"), report("5c0000000000000000000002")
	for range 2 {
		if err := s.Reports().Add(t.Context(), []store.Report{one}); err != nil {
			t.Errorf("the first: %v", err)
		}
	}
	if err := s.Reports().Add(t.Context(), []store.Report{one, other}); err == nil {
		t.Error("a report was acknowledged that is not kept")
	}
}
