package mongo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"muster/manager/store"
)

const auditCollection = "muster_audit"

// pruneEvery is how many entries a manager adds between two looks at how many there are.
const pruneEvery = 100

// audit keeps the trail of changes in one collection.
type audit struct{ s *Store }

// An auditDoc is an entry in the database. The fields beside doc are what entries are selected by; doc is the
// whole entry as JSON, in which names may have dots and dollars.
type auditDoc struct {
	ID   string `bson:"_id"`
	By   string `bson:"by"`
	Kind string `bson:"kind"`
	Name string `bson:"name"`
	Doc  string `bson:"doc"`
}

func (a audit) in() *mongo.Collection { return a.s.db.Collection(auditCollection) }

func (a audit) Append(ctx context.Context, e store.AuditEntry) error {
	e.At = e.At.UTC().Truncate(time.Millisecond)
	if e.Changed == nil {
		e.Changed = []string{}
	}
	doc, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode audit entry %s: %w", e.ID, err)
	}
	err = a.s.call(ctx, func(ctx context.Context) error {
		_, err := a.in().InsertOne(ctx, auditDoc{ID: e.ID, By: e.By, Kind: e.Kind, Name: e.Name, Doc: string(doc)})
		if mongo.IsDuplicateKeyError(err) {
			return store.ErrExists
		}
		if err == nil && a.s.audited.Add(1)%pruneEvery == 0 {
			err = a.prune(ctx)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("audit entry %s: %w", e.ID, err)
	}
	return nil
}

// prune drops what is beyond the limit.
func (a audit) prune(ctx context.Context) error {
	n, err := a.in().EstimatedDocumentCount(ctx)
	if err != nil || n <= store.AuditLimit {
		return err
	}
	var beyond struct {
		ID string `bson:"_id"`
	}
	err = a.in().FindOne(ctx, bson.D{}, options.FindOne().SetSort(newestEntryFirst).SetSkip(store.AuditLimit).
		SetProjection(bson.D{{Key: "_id", Value: 1}})).Decode(&beyond)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = a.in().DeleteMany(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$lte", Value: beyond.ID}}}})
	return err
}

var newestEntryFirst = bson.D{{Key: "_id", Value: -1}}

func (a audit) Page(ctx context.Context, q store.AuditQuery, limit int) ([]store.AuditEntry, error) {
	entries := []store.AuditEntry{}
	if limit <= 0 {
		return entries, nil // MongoDB takes 0 for no limit
	}
	filter := bson.D{}
	if q.Before != "" {
		filter = append(filter, bson.E{Key: "_id", Value: bson.D{{Key: "$lt", Value: q.Before}}})
	}
	for field, wanted := range map[string]string{"by": q.By, "kind": q.Kind, "name": q.Name} {
		if wanted != "" {
			filter = append(filter, bson.E{Key: field, Value: wanted})
		}
	}
	err := a.s.call(ctx, func(ctx context.Context) error {
		o := options.Find().SetSort(newestEntryFirst).SetLimit(int64(limit))
		return each(ctx, a.in(), filter, o, func(raw bson.Raw) error {
			var doc auditDoc
			if err := bson.Unmarshal(raw, &doc); err != nil {
				return err
			}
			var e store.AuditEntry
			err := json.Unmarshal([]byte(doc.Doc), &e)
			entries = append(entries, e)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the audit trail: %w", err)
	}
	return entries, nil
}
