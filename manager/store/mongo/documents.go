package mongo

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"muster/manager/store"
)

// documents keeps the documents of one kind in Nebula's collection of them.
type documents[T any] struct {
	s *Store
	kind[T]
}

func (d documents[T]) in() *mongo.Collection { return d.s.db.Collection(d.collection) }

func (d documents[T]) Create(ctx context.Context, doc T) error {
	name := d.Name(doc)
	fields, _, err := d.encode(doc)
	if err != nil {
		return err
	}
	err = d.s.finish(ctx, func(ctx context.Context) error {
		return write(fields, func(fields bson.D) error {
			_, err := d.in().InsertOne(ctx, fields)
			if mongo.IsDuplicateKeyError(err) {
				return store.ErrExists
			}
			return err
		})
	})
	return d.named(name, err)
}

func (d documents[T]) Get(ctx context.Context, name string) (T, error) {
	doc, _, err := d.get(ctx, name)
	return doc, err
}

// get reads a document, also as it is in the database.
func (d documents[T]) get(ctx context.Context, name string) (doc T, f found, err error) {
	err = d.s.call(ctx, func(ctx context.Context) (err error) {
		f.raw, err = d.in().FindOne(ctx, bson.D{{Key: d.key, Value: name}}).Raw()
		if errors.Is(err, mongo.ErrNoDocuments) {
			return store.ErrNotFound
		}
		return err
	})
	if err != nil {
		return doc, f, d.named(name, err)
	}
	if doc, err = d.decode(f); err != nil {
		return doc, f, &store.UnreadableError{Kind: d.Singular, Docs: map[string]error{name: err}}
	}
	return doc, f, nil
}

func (d documents[T]) Some(ctx context.Context, names []string) ([]T, error) {
	if len(names) == 0 {
		return []T{}, nil
	}
	return d.selected(ctx, bson.D{{Key: d.key, Value: bson.D{{Key: "$in", Value: names}}}}, d.byName())
}

func (d documents[T]) All(ctx context.Context) ([]T, error) {
	return d.selected(ctx, d.allNamed(), d.byName())
}

// allNamed selects the documents that have a name. So the index, which is sparse, can be used.
func (d documents[T]) allNamed() bson.D {
	return bson.D{{Key: d.key, Value: bson.D{{Key: "$gte", Value: ""}}}}
}

// selected reads the documents that a filter and options select, as many as make sense.
func (d documents[T]) selected(ctx context.Context, filter bson.D, o *options.FindOptionsBuilder) ([]T, error) {
	docs := []T{}
	unreadable := map[string]error{}
	err := d.s.call(ctx, func(ctx context.Context) error {
		return each(ctx, d.in(), filter, o, func(raw bson.Raw) error {
			name, ok := d.nameOf(raw)
			if !ok {
				return nil
			}
			if doc, err := d.decode(found{raw}); err == nil {
				docs = append(docs, doc)
			} else {
				unreadable[name] = err
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", d.Plural, err)
	}
	if len(unreadable) > 0 {
		return docs, &store.UnreadableError{Kind: d.Singular, Docs: unreadable}
	}
	return docs, nil
}

// nameOf is a document's name. One with a list for a name has none, though filters select it by the items.
func (d documents[T]) nameOf(raw bson.Raw) (string, bool) { return raw.Lookup(d.key).StringValueOK() }

// byName sorts by name: MongoDB compares strings byte by byte.
func (d documents[T]) byName() *options.FindOptionsBuilder {
	return options.Find().SetSort(ascending(d.key)).SetBatchSize(batch)
}

// Names reads nothing but the index.
func (d documents[T]) Names(ctx context.Context) ([]string, error) {
	names := []string{}
	err := d.s.call(ctx, func(ctx context.Context) error {
		onlyName := d.byName().SetProjection(bson.D{{Key: "_id", Value: 0}, {Key: d.key, Value: 1}})
		return each(ctx, d.in(), d.allNamed(), onlyName, func(raw bson.Raw) error {
			if name, ok := d.nameOf(raw); ok {
				names = append(names, name)
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read names of %s: %w", d.Plural, err)
	}
	return names, nil
}

func (d documents[T]) Delete(ctx context.Context, name string) error {
	err := d.s.finish(ctx, func(ctx context.Context) error {
		deleted, err := d.in().DeleteOne(ctx, bson.D{{Key: d.key, Value: name}})
		if err == nil && deleted.DeletedCount == 0 {
			return store.ErrNotFound
		}
		return err
	})
	return d.named(name, err)
}

func (d documents[T]) named(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %q: %w", d.Singular, name, err)
}

// batch is how many documents are asked for at a time.
const batch = 1000

// each calls keep for every document that a filter selects. What it is given is valid until it returns.
func each(ctx context.Context, in *mongo.Collection, filter bson.D, o *options.FindOptionsBuilder, keep func(bson.Raw) error) error {
	cursor, err := in.Find(ctx, filter, o)
	if err != nil {
		return err
	}
	return use(ctx, cursor, keep)
}

// use calls keep for every document of a cursor, and closes it.
func use(ctx context.Context, cursor *mongo.Cursor, keep func(bson.Raw) error) (err error) {
	defer func() { err = errors.Join(err, cursor.Close(ctx)) }()
	for cursor.Next(ctx) {
		if err := keep(cursor.Current); err != nil {
			return err
		}
	}
	return cursor.Err()
}
