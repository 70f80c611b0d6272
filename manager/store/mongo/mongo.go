// Package mongo keeps the store in a MongoDB database, under the names and in the form that Nebula's manager
// uses, so that Muster can take over the database of a Nebula in place and run beside it.
//
// Every write is acknowledged by a majority of the replica set and in its journals, and every read is of
// what a majority has. Nothing needs a transaction: documents are changed by compare-and-swap (change.go),
// and snapshots are inserted under a unique index (snapshots.go). Several managers may share a database.
package mongo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"muster/manager/store"
	"muster/topics"
)

var _ store.Store = (*Store)(nil)

// errClosed is the answer to every call after Close.
var errClosed = errors.New("store is closed")

// DefaultTimeout is the [Options].Timeout of those who give none.
const DefaultTimeout = 20 * time.Second

// Options say which database to open, and how.
type Options struct {
	// URL is a MongoDB connection string. The database it names is used, [DefaultDatabase] when it names none.
	URL string
	// Database is used instead, unless it is empty.
	Database string
	// Log hears of settings in the URL that are not heeded, and of a server that is not quite MongoDB. It
	// must not be nil.
	Log *slog.Logger
	// Timeout bounds every call, also when the server hangs; 0 means [DefaultTimeout]. A server that does
	// not listen is given up after five seconds. Open waits for indexes to be made for as long as that takes.
	Timeout time.Duration
}

// A Store is a [store.Store] in a MongoDB database.
type Store struct {
	address address
	timeout time.Duration
	client  *mongo.Client
	db      *mongo.Database
	epoch   string
	// audited counts the audit entries that this handle has added.
	audited atomic.Int64

	// calls is held for reading by every call under way, and for writing by Close.
	calls  sync.RWMutex
	closed bool
}

// Open connects to the server, makes the indexes that are missing, and the epoch if the database has none.
// The error says what is wrong with which server. No error holds the password of the URL.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	options, a, err := parseURL(o.URL, o.Database, o.Log)
	if err != nil {
		return nil, err
	}
	client, err := mongo.Connect(options)
	if err != nil {
		return nil, a.explain(err)
	}
	s := &Store{address: a, timeout: o.Timeout, client: client, db: client.Database(a.database)}
	if err := s.prepare(ctx, o.Log); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// prepare gives the database what Muster needs it to have.
func (s *Store) prepare(ctx context.Context, log *slog.Logger) error {
	err := s.call(ctx, func(ctx context.Context) error { return s.checkServer(ctx, log) })
	if err != nil {
		return err
	}
	if err := s.ensureIndexes(ctx, log); err != nil {
		return err
	}
	return s.call(ctx, func(ctx context.Context) (err error) {
		s.epoch, err = s.makeEpoch(ctx)
		return err
	})
}

// Apps keeps the apps.
func (s *Store) Apps() store.Documents[topics.App] { return documents[topics.App]{s, apps} }

// CronJobs keeps the cron_jobs.
func (s *Store) CronJobs() store.Documents[topics.CronJob] {
	return documents[topics.CronJob]{s, cronJobs}
}

// DeviceGroups keeps the device_groups.
func (s *Store) DeviceGroups() store.Documents[store.DeviceGroup] {
	return documents[store.DeviceGroup]{s, deviceGroups}
}

// Users keeps the users.
func (s *Store) Users() store.Documents[store.User] { return documents[store.User]{s, users} }

// UserGroups keeps the user_groups.
func (s *Store) UserGroups() store.Documents[store.UserGroup] {
	return documents[store.UserGroup]{s, userGroups}
}

// Tokens keeps the tokens.
func (s *Store) Tokens() store.Documents[store.Token] { return documents[store.Token]{s, tokens} }

// Authorities keeps the certificate authorities.
func (s *Store) Authorities() store.Documents[store.Authority] {
	return documents[store.Authority]{s, authorities}
}

// ACME keeps what managers have of ACME servers.
func (s *Store) ACME() store.Documents[store.ACMEEntry] {
	return documents[store.ACMEEntry]{s, acmeEntries}
}

// Identities keeps what devices are known by.
func (s *Store) Identities() store.Identities {
	return store.KeepIdentities(identities{documents[store.IdentityRow]{s, identityRows}})
}

// Snapshots keeps the snapshots.
func (s *Store) Snapshots() store.Snapshots { return snapshots{s} }

// Audit keeps the audit trail.
func (s *Store) Audit() store.Audit { return audit{s} }

// Reports keeps the reports.
func (s *Store) Reports() store.Reports { return reports{s} }

// Devices keeps the devices.
func (s *Store) Devices() store.Devices { return devices{s} }

// Epoch is the ULID that was made with the database.
func (s *Store) Epoch() string { return s.epoch }

// Ping reads from the primary, and reports also that the database is no longer the one that was opened.
func (s *Store) Ping(ctx context.Context) error {
	return s.call(ctx, func(ctx context.Context) error {
		epoch, err := s.readEpoch(ctx)
		if errors.Is(err, mongo.ErrNoDocuments) || err == nil && epoch != s.epoch {
			return errReplaced
		}
		return err
	})
}

// Close waits for calls under way and closes the connections.
func (s *Store) Close() error {
	s.calls.Lock()
	defer s.calls.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	// Nothing is under way, so there is nothing to wait for: sessions are forgotten by the server in time.
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.client.Disconnect(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return s.address.explain(err)
	}
	return nil
}

// call runs f, which talks to the server, within the timeout.
func (s *Store) call(ctx context.Context, f func(context.Context) error) error {
	s.calls.RLock()
	defer s.calls.RUnlock()
	if s.closed {
		return s.address.explain(errClosed)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	err := f(bounded)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		// The driver does not always say so when it was interrupted.
		return fmt.Errorf("%w: %w", ctx.Err(), s.address.explain(err))
	case bounded.Err() != nil, silent(err):
		return s.address.explain(fmt.Errorf("%w (%v): %w", errHangs, s.timeout, err))
	}
	return s.address.explain(err)
}

// finish is call for what changes documents. What has begun is finished, within the timeout, also when the caller is
// gone by then: an interrupted write may have been made, and nobody could tell.
func (s *Store) finish(ctx context.Context, f func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.call(context.WithoutCancel(ctx), f)
}
