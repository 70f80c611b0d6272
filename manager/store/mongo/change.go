package mongo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// errChanged says that a document is no longer what it was when it was read.
var errChanged = errors.New("was changed by somebody else")

// stubborn is how often a document that does not change may fail to be what was just read.
const stubborn = 5

// Modify writes the fields that change has altered, provided that all fields that Muster knows are still
// what change was given, and else starts over. The _id and the other fields stay as they are. A try fails
// only because somebody else's change was written, so there is nothing to wait for in between.
func (d documents[T]) Modify(ctx context.Context, name string, change func(*T) error) (T, error) {
	var none T
	var before found
	for same := 0; ; {
		doc, now, err := d.get(ctx, name)
		if err != nil {
			return none, err
		}
		if same++; !bytes.Equal(before.raw, now.raw) {
			before, same = now, 0
		}
		if same == stubborn {
			return none, d.named(name, errors.New("the server does not find it by the fields it gives it with, so it cannot be changed safely"))
		}
		was, _, err := d.encode(doc)
		if err != nil {
			return none, err
		}
		if err := change(&doc); err != nil {
			return none, err
		}
		if renamed := d.Name(doc); renamed != name {
			return none, d.named(name, fmt.Errorf("must not be renamed (to %q)", renamed))
		}
		is, written, err := d.encode(doc)
		if err != nil {
			return none, err
		}
		set, unset := difference(was, is)
		err = write(set, func(set bson.D) error { return d.swap(ctx, now, set, unset) })
		if err == nil {
			return written, nil
		}
		if !errors.Is(err, errChanged) {
			return none, d.named(name, err)
		}
	}
}

// swap changes a document, if it is still what was found. It asks the server also when there is nothing to
// change, since by now somebody else may have changed or deleted it.
func (d documents[T]) swap(ctx context.Context, was found, set, unset bson.D) error {
	update := bson.D{}
	if len(set) > 0 {
		update = append(update, bson.E{Key: "$set", Value: set})
	}
	if len(unset) > 0 {
		update = append(update, bson.E{Key: "$unset", Value: unset})
	}
	return d.s.finish(ctx, func(ctx context.Context) error {
		condition := d.still(was)
		if len(update) == 0 {
			n, err := d.in().CountDocuments(ctx, condition)
			if err == nil && n == 0 {
				return errChanged
			}
			return err
		}
		result, err := d.in().UpdateOne(ctx, condition, update)
		if err == nil && result.MatchedCount == 0 {
			return errChanged
		}
		return err
	})
}

// still selects a document by its _id and all fields that Muster knows. $eq takes a value as it is, a dict
// with keys that begin with $ included.
func (k kind[T]) still(was found) bson.D {
	condition := bson.D{{Key: "_id", Value: was.raw.Lookup("_id")}}
	for _, field := range k.fields {
		if value, err := was.raw.LookupErr(field); err == nil {
			condition = append(condition, bson.E{Key: field, Value: bson.D{{Key: "$eq", Value: value}}})
		} else {
			condition = append(condition, bson.E{Key: field, Value: bson.D{{Key: "$exists", Value: false}}})
		}
	}
	return condition
}

// difference is what must be set and what removed to make one document of the other.
func difference(was, is bson.D) (set, unset bson.D) {
	old := map[string]any{}
	for _, field := range was {
		old[field.Key] = field.Value
	}
	for _, field := range is {
		if before, there := old[field.Key]; !there || !reflect.DeepEqual(before, field.Value) {
			set = append(set, field)
		}
		delete(old, field.Key)
	}
	for name := range old {
		unset = append(unset, bson.E{Key: name, Value: ""})
	}
	return set, unset
}
