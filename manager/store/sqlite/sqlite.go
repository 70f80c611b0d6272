// Package sqlite keeps the store in one SQLite file.
//
// Reads go through a small pool of connections and never wait for writes. Writes go through one
// goroutine that commits whatever has queued up in one transaction, with one flush to the disk: see
// writer.go. Several processes may open the same file, provided that it is on a local disk.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	"muster/manager/store"
	"muster/topics"
)

var _ store.Store = (*Store)(nil)

// errClosed is the answer to every call after Close.
var errClosed = errors.New("store is closed")

// DefaultBusyTimeout is the [Options].BusyTimeout of those who give none.
const DefaultBusyTimeout = 10 * time.Second

// readers is how many reads run at the same time. They use the processor only, as long as the file fits
// into memory, so more would not be faster.
const readers = 4

// Options say which file to open, and how.
type Options struct {
	// Path is the file to keep the store in. It is made when there is none, in a directory that exists.
	Path string
	// Log hears of migrations and of the disk failing and coming back. It must not be nil.
	Log *slog.Logger
	// BusyTimeout is how long a call waits for another process that is using the file; 0 means
	// [DefaultBusyTimeout].
	BusyTimeout time.Duration
}

// A Store is a [store.Store] in one SQLite file.
type Store struct {
	file   file
	epoch  string
	reads  *sql.DB
	writer *writer
	// auditLimit is how many audit entries are kept.
	auditLimit int64

	// calls is held for reading by every call under way, and for writing by Close.
	calls  sync.RWMutex
	closed bool
}

// Open opens the file, makes it when there is none, and brings its tables up to date. The error says what
// is wrong with which file, and what to do about it.
func Open(ctx context.Context, o Options) (*Store, error) {
	return open(ctx, o, maxBatch)
}

// open is Open with a limit for how many writes are committed together.
func open(ctx context.Context, o Options, batch int) (*Store, error) {
	if o.BusyTimeout == 0 {
		o.BusyTimeout = DefaultBusyTimeout
	}
	f := file{path: o.Path, busy: o.BusyTimeout}
	epoch, err := f.prepare(ctx, o.Log)
	if err != nil {
		return nil, f.explain(err)
	}
	if f.identity, err = os.Stat(f.path); err != nil {
		return nil, f.explain(err)
	}
	reads, err := f.open("query_only(1)")
	if err != nil {
		return nil, f.explain(err)
	}
	reads.SetMaxOpenConns(readers)
	reads.SetMaxIdleConns(readers)
	writes, err := f.open()
	if err != nil {
		return nil, errors.Join(f.explain(err), reads.Close())
	}
	writes.SetMaxOpenConns(1)
	return &Store{
		file: f, epoch: epoch, reads: reads, writer: startWriter(f, writes, batch, o.Log),
		auditLimit: store.AuditLimit,
	}, nil
}

// Apps keeps the apps.
func (s *Store) Apps() store.Documents[topics.App] {
	return documents[topics.App]{s, store.AppKind()}
}

// CronJobs keeps the cron_jobs.
func (s *Store) CronJobs() store.Documents[topics.CronJob] {
	return documents[topics.CronJob]{s, store.CronJobKind()}
}

// DeviceGroups keeps the device_groups.
func (s *Store) DeviceGroups() store.Documents[store.DeviceGroup] {
	return documents[store.DeviceGroup]{s, store.DeviceGroupKind()}
}

// Users keeps the users.
func (s *Store) Users() store.Documents[store.User] {
	return documents[store.User]{s, store.UserKind()}
}

// UserGroups keeps the user_groups.
func (s *Store) UserGroups() store.Documents[store.UserGroup] {
	return documents[store.UserGroup]{s, store.UserGroupKind()}
}

// Audit keeps the audit trail.
func (s *Store) Audit() store.Audit { return audit{s} }

// Reports keeps the reports.
func (s *Store) Reports() store.Reports { return reports{s} }

// Devices keeps the devices.
func (s *Store) Devices() store.Devices { return devices{s} }

// Tokens keeps the tokens.
func (s *Store) Tokens() store.Documents[store.Token] {
	return documents[store.Token]{s, store.TokenDocuments()}
}

// Authorities keeps the certificate authorities.
func (s *Store) Authorities() store.Documents[store.Authority] {
	return documents[store.Authority]{s, store.AuthorityDocuments()}
}

// ACME keeps what managers have of ACME servers.
func (s *Store) ACME() store.Documents[store.ACMEEntry] {
	return documents[store.ACMEEntry]{s, store.ACMEDocuments()}
}

// Identities keeps what devices are known by.
func (s *Store) Identities() store.Identities {
	return store.KeepIdentities(identities{documents[store.IdentityRow]{s, store.IdentityRowKind()}})
}

// Snapshots keeps the snapshots.
func (s *Store) Snapshots() store.Snapshots { return snapshots{s} }

// Epoch is the ULID that was made with the file.
func (s *Store) Epoch() string { return s.epoch }

// Ping reads from the file. When the last write failed because of the file or the disk it also writes as
// much as the largest snapshot, so that it fails as long as writes do.
func (s *Store) Ping(ctx context.Context) error {
	err := s.read(func(db *sql.DB) error {
		var epoch string
		return db.QueryRowContext(ctx, `SELECT epoch FROM store`).Scan(&epoch)
	})
	if err != nil || !s.writer.failing.Load() {
		return err
	}
	for _, size := range []int{topics.MaxConfig, 0} {
		err := s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE store SET probe = zeroblob(?)`, size)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Close waits for calls under way and closes the file.
func (s *Store) Close() error {
	s.calls.Lock()
	defer s.calls.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	// The writer goes last: the last connection moves the write-ahead log into the file.
	if err := errors.Join(s.reads.Close(), s.writer.close()); err != nil {
		return s.file.explain(err)
	}
	return nil
}

// read runs f on the pool of readers.
func (s *Store) read(f func(*sql.DB) error) error {
	s.calls.RLock()
	defer s.calls.RUnlock()
	if s.closed {
		return s.file.explain(errClosed)
	}
	// Nobody should be shown, for days perhaps, what is not in the file any more.
	if err := s.file.check(); err != nil {
		return s.file.explain(err)
	}
	return s.file.explain(f(s.reads))
}

// write has the writer run f, and returns nil once what it did is safe on the disk. f gets a context of
// the writer, because a statement that is interrupted takes the whole transaction with it.
func (s *Store) write(ctx context.Context, f func(context.Context, *sql.Tx) error) error {
	s.calls.RLock()
	defer s.calls.RUnlock()
	if s.closed {
		return s.file.explain(errClosed)
	}
	return s.file.explain(s.writer.do(ctx, f))
}
