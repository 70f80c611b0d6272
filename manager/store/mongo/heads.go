package mongo

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"muster/manager/store"
)

// Heads has the server step from group to group along the index, where it can.
func (n snapshots) Heads(ctx context.Context) (map[string]store.Head, error) {
	heads := map[string]store.Head{}
	keep := func(raw bson.Raw) error {
		var doc snapshotDoc
		if err := bson.Unmarshal(raw, &doc); err != nil {
			return err
		}
		if _, later := heads[doc.DeviceGroup]; !later {
			heads[doc.DeviceGroup] = doc.head()
		}
		return nil
	}
	err := n.s.call(ctx, func(ctx context.Context) error {
		err := n.firstOfEach(ctx, keep)
		if refuses(err, codeNotImplemented) {
			// FerretDB knows no $first: all heads, from which keep takes the first of each group.
			o := options.Find().SetSort(latestOfGroup).SetProjection(headOnly).SetBatchSize(batch)
			return each(ctx, n.in(), bson.D{}, o, keep)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("latest snapshots of all device_groups: %w", err)
	}
	return heads, nil
}

// latestOfGroup is the order of the index.
var latestOfGroup = bson.D{{Key: "device_group", Value: 1}, {Key: "config_id", Value: -1}}

// firstOfEach groups in the form that MongoDB answers with one step along the index per group.
func (n snapshots) firstOfEach(ctx context.Context, keep func(bson.Raw) error) error {
	group := bson.D{{Key: "_id", Value: "$device_group"}}
	for _, field := range []string{"device_group", "config_id", "epoch", "sha256", "at", "by"} {
		group = append(group, bson.E{Key: field, Value: bson.D{{Key: "$first", Value: "$" + field}}})
	}
	cursor, err := n.in().Aggregate(ctx, bson.A{
		bson.D{{Key: "$sort", Value: latestOfGroup}},
		bson.D{{Key: "$group", Value: group}},
	}, options.Aggregate().SetBatchSize(batch))
	if err != nil {
		return err
	}
	return use(ctx, cursor, keep)
}
