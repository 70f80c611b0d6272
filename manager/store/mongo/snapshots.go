package mongo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"muster/manager/store"
	"muster/topics"
)

const snapshotCollection = "muster_snapshots"

// snapshots keeps the configs of all device_groups in one collection.
type snapshots struct{ s *Store }

// A snapshotDoc is a snapshot in the database.
type snapshotDoc struct {
	DeviceGroup string    `bson:"device_group"`
	ConfigID    int64     `bson:"config_id"`
	Epoch       string    `bson:"epoch"`
	SHA256      string    `bson:"sha256"`
	At          time.Time `bson:"at"`
	By          string    `bson:"by"`
	Payload     []byte    `bson:"payload"`
}

func (d snapshotDoc) head() store.Head {
	return store.Head{
		DeviceGroup: d.DeviceGroup, Version: topics.Version{Epoch: d.Epoch, ConfigID: d.ConfigID},
		SHA256: d.SHA256, At: d.At.UTC(), By: d.By,
	}
}

// headOnly leaves out the payload.
var headOnly = bson.D{{Key: "payload", Value: 0}}

// newestFirst is the order of the index within a group.
var newestFirst = bson.D{{Key: "config_id", Value: -1}}

func (n snapshots) in() *mongo.Collection { return n.s.db.Collection(snapshotCollection) }

// Append looks before it inserts whether the snapshot is beyond the limit of the history, and after it once
// more: what is beyond the limit once stays beyond it, so whoever was overtaken in between finds out, and
// takes back what nobody was told of.
func (n snapshots) Append(ctx context.Context, s store.Snapshot) error {
	err := n.s.call(ctx, func(ctx context.Context) error {
		if beyond, err := n.beyond(ctx, s.DeviceGroup, store.HistoryLimit-1); err != nil {
			return err
		} else if beyond.there && s.ConfigID < beyond.configID {
			return store.ErrConflict
		}
		_, err := n.in().InsertOne(ctx, snapshotDoc{
			DeviceGroup: s.DeviceGroup, ConfigID: s.ConfigID, Epoch: s.Epoch,
			SHA256: s.SHA256, At: s.At, By: s.By, Payload: s.Payload,
		})
		if mongo.IsDuplicateKeyError(err) {
			return store.ErrConflict
		}
		if err != nil {
			return err
		}
		return n.prune(ctx, s.Head)
	})
	if err != nil {
		return named(s.DeviceGroup, s.ConfigID, err)
	}
	return nil
}

// prune drops what is beyond the limit of the history. That must not be what was just added.
func (n snapshots) prune(ctx context.Context, added store.Head) error {
	beyond, err := n.beyond(ctx, added.DeviceGroup, store.HistoryLimit)
	if err != nil || !beyond.there {
		return err
	}
	_, err = n.in().DeleteMany(ctx, bson.D{
		{Key: "device_group", Value: added.DeviceGroup},
		{Key: "config_id", Value: bson.D{{Key: "$lte", Value: beyond.configID}}},
	})
	if err == nil && added.ConfigID <= beyond.configID {
		return store.ErrConflict
	}
	return err
}

// A position is a place in the history of a group, if that is so long.
type position struct {
	configID int64
	there    bool
}

// beyond is the snapshot of a group that has that many newer ones. Only the index is read.
func (n snapshots) beyond(ctx context.Context, group string, newer int64) (position, error) {
	var doc snapshotDoc
	err := n.in().FindOne(ctx, inGroup(group), options.FindOne().SetSort(newestFirst).SetSkip(newer).
		SetProjection(bson.D{{Key: "_id", Value: 0}, {Key: "config_id", Value: 1}})).Decode(&doc)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return position{}, nil
	}
	return position{doc.ConfigID, err == nil}, err
}

func (n snapshots) Latest(ctx context.Context, group string) (store.Snapshot, error) {
	s, err := n.one(ctx, inGroup(group))
	if err != nil {
		return s, fmt.Errorf("latest snapshot of device_group %q: %w", group, err)
	}
	return s, nil
}

func (n snapshots) Get(ctx context.Context, group string, configID int64) (store.Snapshot, error) {
	s, err := n.one(ctx, append(inGroup(group), bson.E{Key: "config_id", Value: configID}))
	if err != nil {
		return s, named(group, configID, err)
	}
	return s, nil
}

// one reads the newest snapshot that a filter selects.
func (n snapshots) one(ctx context.Context, filter bson.D) (store.Snapshot, error) {
	var doc snapshotDoc
	err := n.s.call(ctx, func(ctx context.Context) error {
		err := n.in().FindOne(ctx, filter, options.FindOne().SetSort(newestFirst)).Decode(&doc)
		if errors.Is(err, mongo.ErrNoDocuments) {
			return store.ErrNotFound
		}
		return err
	})
	if err != nil {
		return store.Snapshot{}, err
	}
	return store.Snapshot{Head: doc.head(), Payload: doc.Payload}, nil
}

func (n snapshots) History(ctx context.Context, group string, before int64, limit int) ([]store.Head, error) {
	heads := []store.Head{}
	if limit <= 0 {
		return heads, nil // MongoDB takes 0 for no limit
	}
	filter := inGroup(group)
	if before != 0 {
		filter = append(filter, bson.E{Key: "config_id", Value: bson.D{{Key: "$lt", Value: before}}})
	}
	err := n.s.call(ctx, func(ctx context.Context) error {
		o := options.Find().SetSort(newestFirst).SetLimit(int64(limit)).SetProjection(headOnly)
		return each(ctx, n.in(), filter, o, func(raw bson.Raw) error {
			var doc snapshotDoc
			err := bson.Unmarshal(raw, &doc)
			heads = append(heads, doc.head())
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("history of device_group %q: %w", group, err)
	}
	return heads, nil
}

func inGroup(group string) bson.D { return bson.D{{Key: "device_group", Value: group}} }

func named(group string, configID int64, err error) error {
	return fmt.Errorf("snapshot %d of device_group %q: %w", configID, group, err)
}
