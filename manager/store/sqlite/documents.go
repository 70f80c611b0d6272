package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"muster/manager/store"
)

// documents keeps the documents of one kind as JSON in a table of their own.
type documents[T any] struct {
	s    *Store
	kind store.Kind[T]
}

func (d documents[T]) Create(ctx context.Context, doc T) error {
	name := d.kind.Name(doc)
	data, _, err := d.kind.Encode(doc)
	if err != nil {
		return err
	}
	return d.exec(ctx, name, store.ErrExists,
		`INSERT INTO `+d.kind.Plural+` (name, doc) VALUES (?, ?) ON CONFLICT DO NOTHING`, name, string(data))
}

func (d documents[T]) Get(ctx context.Context, name string) (T, error) {
	doc, _, err := d.get(ctx, name)
	return doc, err
}

// get reads a document, also as it is written.
func (d documents[T]) get(ctx context.Context, name string) (doc T, data string, err error) {
	err = d.s.read(func(db *sql.DB) error {
		return db.QueryRowContext(ctx, `SELECT doc FROM `+d.kind.Plural+` WHERE name = ?`, name).Scan(&data)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = store.ErrNotFound
	}
	if err != nil {
		return doc, "", d.named(name, err)
	}
	if doc, err = d.decode(name, []byte(data)); err != nil {
		var none T
		return none, "", &store.UnreadableError{Kind: d.kind.Singular, Docs: map[string]error{name: err}}
	}
	return doc, data, nil
}

// decode reads a document that is kept under a name.
func (d documents[T]) decode(name string, data []byte) (T, error) {
	doc, err := d.kind.Decode(data)
	if carried := d.kind.Name(doc); err == nil && carried != name {
		err = fmt.Errorf("it carries the name %q", carried)
	}
	return doc, err
}

func (d documents[T]) Some(ctx context.Context, names []string) ([]T, error) {
	// One argument, for SQLite allows only so many.
	list, err := json.Marshal(names)
	if err != nil {
		return nil, err
	}
	return d.selected(ctx, `WHERE name IN (SELECT value FROM json_each(?)) ORDER BY name`, string(list))
}

func (d documents[T]) All(ctx context.Context) ([]T, error) {
	return d.selected(ctx, `ORDER BY name`)
}

// selected reads the documents that a clause selects, as many as make sense.
func (d documents[T]) selected(ctx context.Context, clause string, args ...any) ([]T, error) {
	docs := []T{}
	unreadable := map[string]error{}
	err := d.s.read(func(db *sql.DB) error {
		return each(ctx, db, `SELECT name, doc FROM `+d.kind.Plural+` `+clause, func(rows *sql.Rows) error {
			var name string
			var data []byte
			if err := rows.Scan(&name, &data); err != nil {
				return err
			}
			if doc, err := d.decode(name, data); err != nil {
				unreadable[name] = err
			} else {
				docs = append(docs, doc)
			}
			return nil
		}, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", d.kind.Plural, err)
	}
	if len(unreadable) > 0 {
		return docs, &store.UnreadableError{Kind: d.kind.Singular, Docs: unreadable}
	}
	return docs, nil
}

func (d documents[T]) Names(ctx context.Context) ([]string, error) {
	names := []string{}
	err := d.s.read(func(db *sql.DB) error {
		return each(ctx, db, `SELECT name FROM `+d.kind.Plural+` ORDER BY name`, func(rows *sql.Rows) error {
			var name string
			if err := rows.Scan(&name); err != nil {
				return err
			}
			names = append(names, name)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read names of %s: %w", d.kind.Plural, err)
	}
	return names, nil
}

// Modify replaces the document only if it is still what change was given, and else starts over. A try
// fails only because somebody else's change was written, so there is nothing to wait for in between.
func (d documents[T]) Modify(ctx context.Context, name string, change func(*T) error) (T, error) {
	var none T
	for {
		doc, before, err := d.get(ctx, name)
		if err != nil {
			return none, err
		}
		if err := change(&doc); err != nil {
			return none, err
		}
		if renamed := d.kind.Name(doc); renamed != name {
			return none, d.named(name, fmt.Errorf("must not be renamed (to %q)", renamed))
		}
		after, written, err := d.kind.Encode(doc)
		if err != nil {
			return none, err
		}
		err = d.exec(ctx, name, errChanged,
			`UPDATE `+d.kind.Plural+` SET doc = ? WHERE name = ? AND doc = ?`, string(after), name, before)
		if err == nil {
			return written, nil
		}
		if !errors.Is(err, errChanged) {
			return none, err
		}
	}
}

// errChanged says that a document is no longer what it was when it was read.
var errChanged = errors.New("was changed by somebody else")

func (d documents[T]) Delete(ctx context.Context, name string) error {
	return d.exec(ctx, name, store.ErrNotFound, `DELETE FROM `+d.kind.Plural+` WHERE name = ?`, name)
}

// exec writes with one statement, and fails with otherwise when that changes nothing.
func (d documents[T]) exec(ctx context.Context, name string, otherwise error, query string, args ...any) error {
	err := d.s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		changed, err := affected(tx.ExecContext(ctx, query, args...))
		if err == nil && changed == 0 {
			return otherwise
		}
		return err
	})
	if err != nil {
		return d.named(name, err)
	}
	return nil
}

func (d documents[T]) named(name string, err error) error {
	return fmt.Errorf("%s %q: %w", d.kind.Singular, name, err)
}

// A querier is the pool of readers or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// each calls scan for every row that query gives.
func each(ctx context.Context, db querier, query string, scan func(*sql.Rows) error, args ...any) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// affected is the number of rows that a statement changed.
func affected(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
