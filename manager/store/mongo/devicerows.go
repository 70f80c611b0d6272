package mongo

import (
	"context"
	"errors"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"muster/manager/store"
)

// deviceRows reads and writes whole documents of devices.
type deviceRows struct{ s *Store }

func (d deviceRows) Rows(ctx context.Context, names []string) (map[string]store.DeviceRow, error) {
	found := map[string]store.DeviceRow{}
	filter := bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: names}}}}
	err := d.s.call(ctx, func(ctx context.Context) error {
		return each(ctx, devices(d).in(), filter, options.Find().SetBatchSize(batch), func(raw bson.Raw) error {
			row, err := readDevice(raw)
			found[row.Device.Device] = row
			return err
		})
	})
	return found, err
}

// putAtOnce is how many rows go into one command. With 200 updates in one FerretDB 1 comes to a halt.
const putAtOnce = 25

func (d deviceRows) Put(ctx context.Context, rows []store.DeviceRow) (overtaken []string, err error) {
	for some := range slices.Chunk(rows, putAtOnce) {
		names, err := d.putSome(ctx, some)
		if err != nil {
			return nil, err
		}
		overtaken = append(overtaken, names...)
	}
	return overtaken, nil
}

// putSome says of all rows that they were overtaken when one was: the server does not say which, and what is written is found
// to be so.
func (d deviceRows) putSome(ctx context.Context, rows []store.DeviceRow) (overtaken []string, err error) {
	var writes []mongo.WriteModel
	var names []string
	var updates int64
	for _, row := range rows {
		names = append(names, row.Device.Device)
		doc := newDeviceDoc(row)
		if row.Revision == 1 {
			writes = append(writes, mongo.NewInsertOneModel().SetDocument(doc))
			continue
		}
		updates++
		writes = append(writes, mongo.NewReplaceOneModel().SetReplacement(doc).SetFilter(bson.D{
			{Key: "_id", Value: row.Device.Device}, {Key: "revision", Value: row.Revision - 1},
		}))
	}
	err = d.s.finish(ctx, func(ctx context.Context) error {
		result, err := devices(d).in().BulkWrite(ctx, writes, options.BulkWrite().SetOrdered(false))
		if onlyTaken(err) || err == nil && result.MatchedCount < updates {
			overtaken = names
			return nil
		}
		return err
	})
	return overtaken, err
}

// onlyTaken says whether nothing is wrong but that keys are taken.
func onlyTaken(err error) bool {
	var failed mongo.BulkWriteException
	if !errors.As(err, &failed) || failed.WriteConcernError != nil {
		return false
	}
	for _, one := range failed.WriteErrors {
		if one.Code != codeDuplicateKey {
			return false
		}
	}
	return true
}
