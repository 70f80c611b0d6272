package mongo

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"muster/manager/store"
)

const deviceCollection = "muster_devices"

// devices keeps what is known of each device in one document.
type devices struct{ s *Store }

func (d devices) in() *mongo.Collection { return d.s.db.Collection(deviceCollection) }

func (d devices) Observe(ctx context.Context, sightings []store.Sighting, events func(store.Device, store.Sighting) []store.Event) error {
	return store.ObserveDevices(ctx, deviceRows(d), sightings, events)
}

func (d devices) Annotate(ctx context.Context, device string, change func(map[string]string, *string) error) (store.Device, error) {
	return store.AnnotateDevice(ctx, deviceRows(d), device, change)
}

func (d devices) Tell(ctx context.Context, device, group string, e store.Event, quiet time.Duration) error {
	return store.TellDevice(ctx, deviceRows(d), device, group, e, quiet)
}

func (d devices) Get(ctx context.Context, device string) (store.Device, error) {
	return store.GetDevice(ctx, deviceRows(d), device)
}

func (d devices) Heads(ctx context.Context, after string, limit int) ([]store.DeviceHead, error) {
	return d.heads(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}}}, ascending("_id"), limit)
}

func (d devices) ChangedSince(ctx context.Context, since time.Time, after string, limit int) ([]store.DeviceHead, error) {
	at := bson.NewDateTimeFromTime(since.Add(time.Millisecond - 1)) // the first millisecond that is not before it
	return d.heads(ctx, changedAfter(at, "_id", after), ascending("changed", "_id"), limit)
}

// changedAfter selects what comes after a time and a name in the order of (changed, name).
func changedAfter(at any, nameField, after string) bson.D {
	changed := func(operator string) bson.E {
		return bson.E{Key: "changed", Value: bson.D{{Key: operator, Value: at}}}
	}
	return bson.D{changed("$gte"), {Key: "$or", Value: bson.A{
		bson.D{changed("$gt")},
		bson.D{{Key: nameField, Value: bson.D{{Key: "$gt", Value: after}}}},
	}}}
}

// deviceHeadOnly leaves out what a head does not have.
var deviceHeadOnly = bson.D{{Key: "report", Value: 0}, {Key: "events", Value: 0}, {Key: "note", Value: 0}}

func (d devices) heads(ctx context.Context, filter, order bson.D, limit int) ([]store.DeviceHead, error) {
	heads := []store.DeviceHead{}
	if limit <= 0 {
		return heads, nil // MongoDB takes 0 for no limit
	}
	err := d.s.call(ctx, func(ctx context.Context) error {
		o := options.Find().SetSort(order).SetLimit(int64(limit)).SetBatchSize(batch).SetProjection(deviceHeadOnly)
		return each(ctx, d.in(), filter, o, func(raw bson.Raw) error {
			row, err := readDevice(raw)
			heads = append(heads, row.DeviceHead)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read devices: %w", err)
	}
	return heads, nil
}

func (d devices) Delete(ctx context.Context, device string) error {
	err := d.s.finish(ctx, func(ctx context.Context) error {
		deleted, err := d.in().DeleteOne(ctx, bson.D{{Key: "_id", Value: device}})
		if err == nil && deleted.DeletedCount == 0 {
			return store.ErrNotFound
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("device %q: %w", device, err)
	}
	return nil
}
