package mongo

import (
	"encoding/json"
	"strings"
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

// TestDeepReports has reports that are as deep as MongoDB allows, and deeper, which stops all that are added with it
// unless it is kept as text. FerretDB takes any depth, so what is looked at is what would be sent.
func TestDeepReports(t *testing.T) {
	for levels, asText := range map[int]bool{2: false, maxDepth: false, maxDepth + 1: true, 5000: true} {
		lists := strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1)
		doc, err := reportDoc(store.Report{ID: "5c0000000000000000000001", Doc: json.RawMessage(`{"deep":` + lists + `}`)})
		if err != nil || len(doc) != 2 || (doc[1].Key == textField) != asText {
			t.Errorf("%d levels: as text is %v, want %v; %v", levels, doc[1].Key == textField, asText, err)
		}
	}
}
