package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/oklog/ulid/v2"
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver
)

//go:embed migrations/*.sql
var migrations embed.FS

// applicationID marks a SQLite file as one of ours: "MUST" in ASCII. See PRAGMA application_id.
const applicationID = 0x4d555354

// lockPoll is how often a manager that starts looks whether another one has finished preparing the file.
const lockPoll = 20 * time.Millisecond

// A file is the SQLite file that a store is kept in.
type file struct {
	path string
	// busy is how long to wait for another process.
	busy time.Duration
	// identity is the file that was opened.
	identity fs.FileInfo
}

// check reports that another file, or none, is now where the one that was opened was. SQLite would go on
// with the old one, and lose whatever it writes.
func (f file) check() error {
	now, err := os.Stat(f.path)
	if err != nil || !os.SameFile(f.identity, now) {
		return errMoved
	}
	return nil
}

// open makes a pool of connections. It does not touch the file yet.
func (f file) open(pragmas ...string) (*sql.DB, error) {
	path, err := filepath.Abs(f.path)
	if err != nil {
		return nil, err
	}
	query := url.Values{
		"_txlock":   {"immediate"},
		"_error_rc": {"1"}, // no text of an earlier error in a later one
		"_pragma": append([]string{
			fmt.Sprintf("busy_timeout(%d)", f.busy.Milliseconds()),
			"synchronous(FULL)", // a commit is on the disk when it returns
			"foreign_keys(1)",
			"journal_size_limit(16777216)",
		}, pragmas...),
	}
	return sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String())
}

// prepare makes the file if there is none, brings its tables up to date, and returns its epoch. A lock
// beside the file has one manager at a time do so: goose has none for SQLite. It is not the file itself
// that is locked, since closing a file drops every lock that SQLite in the same process has on it.
func (f file) prepare(ctx context.Context, log *slog.Logger) (epoch string, err error) {
	if _, err := os.Stat(filepath.Dir(f.path)); err != nil {
		return "", err
	}
	lock := flock.New(f.path+".lock", flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		return "", fmt.Errorf("lock %s: %w", lock.Path(), err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := f.create(); err != nil {
		return "", err
	}
	db, err := f.open()
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if err := claim(ctx, db); err != nil {
		return "", err
	}
	if err := migrate(ctx, db, log); err != nil {
		return "", err
	}
	fresh := ulid.MustNew(ulid.Now(), rand.Reader).String()
	_, err = db.ExecContext(ctx, `INSERT INTO store (id, epoch) VALUES (1, ?) ON CONFLICT DO NOTHING`, fresh)
	if err != nil {
		return "", err
	}
	err = db.QueryRowContext(ctx, `SELECT epoch FROM store`).Scan(&epoch)
	return epoch, err
}

// create makes an empty file, which SQLite takes for an empty database, when there is none. SQLite itself
// would make it readable for everyone, and it holds the env_vars of apps.
func (f file) create() error {
	empty, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return empty.Close()
}

// claim marks an empty database as ours, refuses somebody else's, and switches to write-ahead logging.
func claim(ctx context.Context, db *sql.DB) error {
	var id, tables int
	if err := db.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&id); err != nil {
		return err
	}
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&tables); err != nil {
		return err
	}
	if id != applicationID {
		if id != 0 || tables != 0 {
			return errForeign
		}
		if _, err := db.ExecContext(ctx, fmt.Sprintf(`PRAGMA application_id = %d`, applicationID)); err != nil {
			return err
		}
	}
	var mode string
	if err := db.QueryRowContext(ctx, `PRAGMA journal_mode = WAL`).Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return errNoWAL
	}
	return nil
}

// migrate applies the migrations that the file does not have yet. There is no way back.
func migrate(ctx context.Context, db *sql.DB, log *slog.Logger) error {
	steps, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, steps,
		goose.WithDisableGlobalRegistry(true), goose.WithSlog(log))
	if err != nil {
		return fmt.Errorf("prepare migrations: %w", err)
	}
	have, know, err := provider.GetVersions(ctx)
	if err != nil {
		return err
	}
	if have > know {
		return fmt.Errorf("%w: it is at schema %d, this program knows %d", errNewer, have, know)
	}
	if have == know {
		return nil
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate from schema %d to %d: %w", have, know, err)
	}
	log.Info("store migrated", "from_schema", have, "to_schema", know)
	return nil
}
