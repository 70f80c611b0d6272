// Package store says what managers keep, and what they may expect of whoever keeps it.
//
// Documents (apps, cron_jobs, device_groups) are what admins change; snapshots are what devices are told.
// Data flows from the first to the second and never back: see package snapshot. Users and user_groups are
// documents too, the audit trail has a line for each change of a document, reports are what devices say
// of themselves, and devices has the last of them and what admins say of a device. Implementations are in the folders beside this file; package storetest is the contract that
// each of them passes.
//
// Nothing here needs a transaction over several documents, so that an implementation on a sharded
// database is as right as one on a local file, and several managers may share a store.
package store

import (
	"context"
	"errors"
	"time"

	"muster/topics"
)

// Errors of every implementation. They are wrapped; compare with errors.Is. Any other error is one of the
// store itself (unreachable, full, corrupt).
var (
	// ErrNotFound says that there is no such document or snapshot.
	ErrNotFound = errors.New("not found")
	// ErrExists says that there is one with that name already.
	ErrExists = errors.New("exists already")
	// ErrConflict says that another manager has appended a snapshot with that config_id first.
	ErrConflict = errors.New("another snapshot has this config_id")
)

// HistoryLimit is how many snapshots of a device_group are kept; older ones are dropped.
const HistoryLimit = 100

// DeviceGroup is the document of a device_group. Its fields are Nebula's.
type DeviceGroup struct {
	DeviceGroup string `json:"device_group"`
	// DeviceGroupID is 1 at creation and one more after every update.
	DeviceGroupID int64 `json:"device_group_id"`
	// PruneID is 1 at creation and one more after every prune.
	PruneID int64 `json:"prune_id"`
	// Apps and CronJobs are names, in the order they were given.
	Apps     []string `json:"apps"`
	CronJobs []string `json:"cron_jobs"`
}

// Documents keeps the documents of one kind, each under its name. Lists in a document are never nil when
// it is read: what was nil comes back empty. A document that could not be read back, such as one with
// containers_per left out, is refused when it is written. What is written survives a loss of power.
//
// One that cannot be read all the same, because another program wrote it, is an [UnreadableError]: of Get
// and Modify for that one, and of Some and All for all there are, besides the documents that can be read.
// Names and Delete do not mind.
type Documents[T any] interface {
	// Create adds a document under the name that it carries. It fails with [ErrExists].
	Create(ctx context.Context, doc T) error
	// Get reads one document. It fails with [ErrNotFound].
	Get(ctx context.Context, name string) (T, error)
	// Some reads those of the named documents that exist, in ascending byte order of their names, each
	// once.
	Some(ctx context.Context, names []string) ([]T, error)
	// All reads every document, in ascending byte order of their names.
	All(ctx context.Context) ([]T, error)
	// Names reads every name, in ascending byte order.
	Names(ctx context.Context) ([]string, error)
	// Modify reads a document, has change alter it, writes it back and returns it as written; nobody
	// else's change comes in between or is lost. An error of change is returned as it is and nothing is
	// written. change must not alter the name (that is an error, and nothing is written), and may be
	// called several times, each time on a fresh copy. It fails with [ErrNotFound].
	Modify(ctx context.Context, name string, change func(*T) error) (T, error)
	// Delete removes a document. It fails with [ErrNotFound], also the second time.
	Delete(ctx context.Context, name string) error
}

// A Head is a snapshot without its payload: enough to tell whether it is current.
type Head struct {
	DeviceGroup string
	topics.Version
	// SHA256 is the digest of the content: see [topics.ContentDigest].
	SHA256 string
	// At is when it was made, in UTC, to the millisecond; By is who made the change, as far as known.
	At time.Time
	By string
}

// A Snapshot is one immutable config of a device_group.
type Snapshot struct {
	Head
	// Payload is the encoded config, byte for byte as published: see [topics.EncodeConfig].
	Payload []byte
}

// Snapshots keeps the configs of all device_groups. Deleting a device_group does not touch them.
type Snapshots interface {
	// Append adds a snapshot. It fails with [ErrConflict] when the group already has one with that
	// ConfigID, whatever its epoch and content, or has [HistoryLimit] with higher ones: of each group
	// those with the highest ConfigIDs are kept, and one that was dropped cannot be made again. When it
	// returns nil the snapshot survives a loss of power.
	Append(ctx context.Context, s Snapshot) error
	// Latest reads the group's snapshot with the highest ConfigID. It fails with [ErrNotFound].
	Latest(ctx context.Context, group string) (Snapshot, error)
	// Get reads one snapshot. It fails with [ErrNotFound], also for one that was dropped.
	Get(ctx context.Context, group string, configID int64) (Snapshot, error)
	// Heads reads the head of every group's latest snapshot, by group. Groups without one are left out.
	Heads(ctx context.Context) (map[string]Head, error)
	// History reads the heads of a group's snapshots with a ConfigID below before, highest first, at most
	// limit of them. A before of 0 starts at the latest. A group without any gives an empty list.
	History(ctx context.Context, group string, before int64, limit int) ([]Head, error)
}

// A Store keeps everything that managers share. It is safe for concurrent use.
type Store interface {
	Apps() Documents[topics.App]
	CronJobs() Documents[topics.CronJob]
	DeviceGroups() Documents[DeviceGroup]
	Users() Documents[User]
	UserGroups() Documents[UserGroup]
	Snapshots() Snapshots
	Audit() Audit
	Reports() Reports
	Devices() Devices
	Tokens() Documents[Token]
	Authorities() Documents[Authority]
	Identities() Identities
	ACME() Documents[ACMEEntry]
	// Epoch is the ULID that names this life of the store. It is made with the store, once, however many
	// managers open it at the same time.
	Epoch() string
	// Ping reports why the store cannot be used right now, nil when it can.
	Ping(ctx context.Context) error
	// Close waits for calls under way and releases the store. Calls after it fail.
	Close() error
}
