package mongo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"muster/manager/store"
)

const reportCollection = "nebula_reports"

// creationTime is the field with the time of a report: Unix seconds, or a date, depending on who wrote it.
const creationTime = "report_creation_time"

// reports keeps what devices reported in Nebula's collection.
type reports struct{ s *Store }

func (r reports) in() *mongo.Collection { return r.s.db.Collection(reportCollection) }

func (r reports) Add(ctx context.Context, list []store.Report) error {
	docs := make([]bson.D, 0, len(list))
	for _, report := range list {
		if _, err := report.Fields(); err != nil {
			return fmt.Errorf("add reports: %w", err)
		}
		doc, err := reportDoc(report)
		if err != nil {
			return fmt.Errorf("add reports: %w", err)
		}
		docs = append(docs, doc)
	}
	err := r.s.call(ctx, func(ctx context.Context) error {
		failed, err := r.insert(ctx, docs)
		if err != nil || len(failed) == 0 {
			return err
		}
		// What the server has against a report is in some field of it.
		var again []store.Report
		var texts []bson.D
		for _, i := range slices.Sorted(maps.Keys(failed)) {
			text, err := reportAsText(list[i])
			if err != nil {
				return err
			}
			again, texts = append(again, list[i]), append(texts, text)
		}
		if failed, err = r.insert(ctx, texts); err != nil {
			return err
		}
		refused := map[string]error{}
		for i, one := range failed {
			if !forGood[one.Code] {
				return fmt.Errorf("report %s: %w", again[i].ID, one)
			}
			refused[again[i].ID] = one
		}
		if len(refused) > 0 {
			return &store.RefusedError{Reports: refused}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("add reports: %w", err)
	}
	return nil
}

// codeDuplicateKey is that of a write that a unique index refuses.
const codeDuplicateKey = 11000

// forGood has the codes of what is refused for what is in it: a bad value, a type or a name that may not be, an index or a rule
// for documents that an admin has made, and what is too large.
var forGood = map[int]bool{2: true, 9: true, 14: true, 52: true, 57: true, 121: true, 10334: true, 17280: true, codeDuplicateKey: true}

// insert adds documents, and returns those that the server does not take, by their place, unless they are there already.
func (r reports) insert(ctx context.Context, docs []bson.D) (failed map[int]mongo.BulkWriteError, err error) {
	if len(docs) == 0 {
		return nil, nil
	}
	_, err = r.in().InsertMany(ctx, docs, options.InsertMany().SetOrdered(false))
	var several mongo.BulkWriteException
	if !errors.As(err, &several) || several.WriteConcernError != nil {
		return nil, err
	}
	failed = map[int]mongo.BulkWriteError{}
	var taken []any
	for _, one := range several.WriteErrors {
		failed[one.Index] = one
		if one.Code == codeDuplicateKey {
			taken = append(taken, docs[one.Index][0].Value)
		}
	}
	there, err := r.there(ctx, taken)
	maps.DeleteFunc(failed, func(i int, one mongo.BulkWriteError) bool { return there[docs[i][0].Value] })
	return failed, err
}

// there says which of these there are. The database may have other unique indexes than that of _id.
func (r reports) there(ctx context.Context, ids []any) (map[any]bool, error) {
	there := map[any]bool{}
	if len(ids) == 0 {
		return there, nil
	}
	filter := bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}}
	err := each(ctx, r.in(), filter, options.Find().SetProjection(bson.D{{Key: "_id", Value: 1}}), func(raw bson.Raw) error {
		there[raw.Lookup("_id").ObjectID()] = true
		return nil
	})
	return there, err
}

func (r reports) Page(ctx context.Context, q store.ReportQuery, limit int) ([]store.Report, error) {
	page := []store.Report{}
	filter, err := reportFilter(q)
	if err != nil {
		return nil, fmt.Errorf("read reports: %w", err)
	}
	if limit <= 0 {
		return page, nil // MongoDB takes 0 for no limit
	}
	err = r.s.call(ctx, func(ctx context.Context) error {
		o := options.Find().SetSort(ascending("_id")).SetLimit(int64(limit))
		return each(ctx, r.in(), filter, o, func(raw bson.Raw) error {
			report, err := readReport(raw)
			page = append(page, report)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read reports: %w", err)
	}
	return page, nil
}

// Expire reads the _ids of what it removes first: a server cannot limit what it removes.
func (r reports) Expire(ctx context.Context, before time.Time, limit int) (int, error) {
	if limit <= 0 {
		return 0, nil // MongoDB takes 0 for no limit
	}
	first, err := bson.ObjectIDFromHex(store.FirstReportID(before))
	if err != nil {
		return 0, fmt.Errorf("remove old reports: %w", err)
	}
	var ids []any
	var removed int64
	err = r.s.call(ctx, func(ctx context.Context) error {
		// Those whose _id is no ObjectID have no age.
		old := bson.D{{Key: "_id", Value: bson.D{{Key: "$gte", Value: bson.ObjectID{}}, {Key: "$lt", Value: first}}}}
		o := options.Find().SetSort(ascending("_id")).SetLimit(int64(limit)).SetProjection(bson.D{{Key: "_id", Value: 1}})
		err := each(ctx, r.in(), old, o, func(raw bson.Raw) error {
			ids = append(ids, raw.Lookup("_id").ObjectID())
			return nil
		})
		if err != nil || len(ids) == 0 {
			return err
		}
		deleted, err := r.in().DeleteMany(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}})
		if err == nil {
			removed = deleted.DeletedCount
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("remove old reports: %w", err)
	}
	return int(removed), nil
}
