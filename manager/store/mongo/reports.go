package mongo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

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
	ids := map[any]bool{}
	for _, report := range list {
		if _, err := report.Fields(); err != nil {
			return fmt.Errorf("add reports: %w", err)
		}
		doc, err := reportDoc(report)
		if err != nil {
			return fmt.Errorf("add reports: %w", err)
		}
		docs = append(docs, doc)
		ids[doc[0].Value] = true
	}
	if len(docs) == 0 {
		return nil
	}
	err := r.s.call(ctx, func(ctx context.Context) error {
		refused, taken, err := r.insert(ctx, docs)
		if err != nil {
			return err
		}
		var texts []bson.D
		for _, i := range refused {
			text, err := reportAsText(list[i])
			if err != nil {
				return err
			}
			texts = append(texts, text)
		}
		if len(texts) > 0 {
			_, err := r.in().InsertMany(ctx, texts, options.InsertMany().SetOrdered(false))
			if taken == nil || err != nil && !mongo.IsDuplicateKeyError(err) {
				taken = err
			}
		}
		return r.unlessThere(ctx, ids, taken)
	})
	if err != nil {
		return fmt.Errorf("add reports: %w", err)
	}
	return nil
}

// codeDuplicateKey is that of a write that a unique index refuses.
const codeDuplicateKey = 11000

// insert adds documents, and returns which of them the server does not take, and, if there are any whose key
// is taken, the error of these.
func (r reports) insert(ctx context.Context, docs []bson.D) (refused []int, taken, err error) {
	_, err = r.in().InsertMany(ctx, docs, options.InsertMany().SetOrdered(false))
	var failed mongo.BulkWriteException
	if !errors.As(err, &failed) || failed.WriteConcernError != nil {
		return nil, nil, err
	}
	for _, one := range failed.WriteErrors {
		if one.Code == codeDuplicateKey {
			taken = err
		} else {
			refused = append(refused, one.Index)
		}
	}
	return refused, taken, nil
}

// unlessThere returns failed, unless it is about keys that are taken and all reports are there. The database
// may have other unique indexes than that of _id.
func (r reports) unlessThere(ctx context.Context, ids map[any]bool, failed error) error {
	if !mongo.IsDuplicateKeyError(failed) {
		return failed
	}
	there, err := r.in().CountDocuments(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: slices.Collect(maps.Keys(ids))}}}})
	if err != nil {
		return err
	}
	if there != int64(len(ids)) {
		return failed
	}
	return nil
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
