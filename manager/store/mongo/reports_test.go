package mongo

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"muster/manager/store"
	"muster/test/rig"
)

// TestOtherUniqueIndexes has indexes that are not Muster's refuse reports: Nebula's own, which has a report live for as long as it
// says and forbids two of the same millisecond, and an admin's.
func TestOtherUniqueIndexes(t *testing.T) {
	url := rig.MongoDB(t)
	s := open(t, Options{URL: url})
	for _, index := range []mongo.IndexModel{
		{Keys: bson.D{{Key: "report_insert_date", Value: 1}},
			Options: options.Index().SetName("report_insert_date_index").SetUnique(true).SetSparse(true)}, // FerretDB knows no TTL
		{Keys: bson.D{{Key: "hostname", Value: 1}}, Options: options.Index().SetName("an admin's").SetUnique(true)},
	} {
		if _, err := database(t, url).Collection(reportCollection).Indexes().CreateOne(t.Context(), index); err != nil {
			t.Fatal(err)
		}
	}
	report := func(n int, doc string) store.Report {
		return store.Report{ID: fmt.Sprintf("5c%022x", n), Doc: json.RawMessage(doc)}
	}
	all := []store.Report{
		report(1, `{"hostname":"a"}`), report(2, `{"hostname":"b"}`),
		report(3, `{"hostname":"c","report_insert_date":7}`), report(4, `{"hostname":"d","report_insert_date":7}`),
	}
	other := report(5, `{"hostname":"a","x":1}`)
	for range 2 {
		err := s.Reports().Add(t.Context(), all)
		if err != nil {
			t.Fatalf("what only Nebula's index is against: %v", err)
		}
		err = s.Reports().Add(t.Context(), append(all, other, report(6, `{"hostname":"e"}`)))
		refused, ok := errors.AsType[*store.RefusedError](err)
		if !ok || len(refused.Reports) != 1 || refused.Reports[other.ID] == nil {
			t.Fatalf("got %v, want that %s is refused", err, other.ID)
		}
	}
	page, err := s.Reports().Page(t.Context(), store.ReportQuery{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(append(all, report(6, `{"hostname":"e"}`)), page); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
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
