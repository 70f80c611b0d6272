package mongo

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"muster/manager/store"
)

// identities keeps what devices are known by as documents, in a collection of Muster's own.
type identities struct{ documents[store.IdentityRow] }

func (i identities) Page(ctx context.Context, f store.IdentityFilter, after string, limit int) ([]store.IdentityRow, error) {
	filter := bson.D{}
	for _, field := range []bson.E{{Key: "state", Value: string(f.State)}, {Key: "device_group", Value: f.DeviceGroup}, {Key: "token_id", Value: f.TokenID}} {
		if field.Value != "" {
			filter = append(filter, field)
		}
	}
	filter = append(filter, bson.E{Key: i.key, Value: bson.D{{Key: "$gt", Value: after}}})
	return i.page(ctx, filter, ascending(i.key), limit)
}

func (i identities) Since(ctx context.Context, changed int64, after string, limit int) ([]store.IdentityRow, error) {
	return i.page(ctx, changedAfter(changed, i.key, after), ascending("changed", i.key), limit)
}

func (i identities) page(ctx context.Context, filter, order bson.D, limit int) ([]store.IdentityRow, error) {
	if limit <= 0 {
		return []store.IdentityRow{}, nil // MongoDB takes 0 for no limit
	}
	return i.selected(ctx, filter, options.Find().SetSort(order).SetLimit(int64(limit)).SetBatchSize(batch))
}
