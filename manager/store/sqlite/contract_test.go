package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"muster/manager/store"
	"muster/manager/store/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Backend {
		o := Options{Path: path(t), Log: discard}
		return storetest.Backend{
			Open: func(ctx context.Context) (store.Store, error) { return Open(ctx, o) },
			Plant: func(ctx context.Context, plural, name, doc string) error {
				return tamper(ctx, o.Path, `INSERT INTO `+plural+` (name, doc) VALUES (?, ?)`, name, doc)
			},
		}
	})
}

// tamper writes to a file behind the store's back.
func tamper(ctx context.Context, path, query string, args ...any) error {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, query, args...)
	return errors.Join(err, db.Close())
}
