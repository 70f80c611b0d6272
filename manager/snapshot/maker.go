package snapshot

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"muster/manager/store"
	"muster/topics"
)

// DefaultCacheTime is how long [Maker.Current] answers from memory, unless told otherwise.
const DefaultCacheTime = 10 * time.Second

// A Maker makes the configs of all device_groups, and knows the latest of each. It is safe for concurrent
// use, and so are several on one store.
type Maker struct {
	// CacheTime is how old an answer of Current may be. Set it before the first call, if at all.
	CacheTime time.Duration

	store  store.Store
	now    func() time.Time
	log    *slog.Logger
	memory memory
	// authors are those of changes since the last scan.
	authors authors
	// digests are those of the last scan.
	digests atomic.Pointer[digests]
	made    atomic.Int64

	// large lists the groups whose config is above topics.WarnConfig.
	largeMu sync.Mutex
	large   map[string]bool
}

// New makes a Maker, which knows no snapshot until it is asked to make or look at them. now gives the
// time that configs are issued at.
func New(st store.Store, now func() time.Time, log *slog.Logger) *Maker {
	m := &Maker{
		CacheTime: DefaultCacheTime,
		store:     st, now: now, log: log,
		memory:  memory{entries: map[string]entry{}},
		authors: authors{changes: map[document][]authored{}},
		large:   map[string]bool{},
	}
	m.digests.Store(&digests{})
	return m
}

// Latest is the newest snapshot of a group that this Maker has made or seen in the store, and that the
// group still existed at. It costs no access to the store. The payload must not be modified.
func (m *Maker) Latest(group string) (store.Snapshot, bool) {
	e, ok := m.memory.get(group)
	return e.snapshot, ok
}

// Groups names the groups that [Maker.Latest] knows, in no particular order.
func (m *Maker) Groups() []string { return m.memory.groups() }

// Made is how many snapshots this Maker has made.
func (m *Maker) Made() int64 { return m.made.Load() }

// Changed says that somebody has changed a document: "app", "cron_job" or "device_group", and its name. Whoever
// calls [Maker.Current] after it sees the change, and the configs that come of it are by that somebody.
func (m *Maker) Changed(by, kind, name string) {
	m.authors.add(document{kind, name}, by, m.memory.changed)
}

// Current is the group's snapshot with every change that was made before the last [Maker.Changed] in
// it; other managers' changes may be missing for up to CacheTime. It makes a snapshot when needed. It
// fails with [store.ErrNotFound] when there is no such group, and like [Maker.Make]. The payload must not
// be modified.
func (m *Maker) Current(ctx context.Context, group string) (store.Snapshot, error) {
	if s, ok := m.memory.fresh(group, m.now().Add(-m.CacheTime)); ok {
		return s, nil
	}
	return m.Make(ctx, group, "")
}

// Make looks whether the group's latest snapshot agrees with the documents, makes the next one when it
// does not, and returns the latest. by is who made the change if [Maker.Changed] has not told. It fails with
// [store.ErrNotFound] when there is no such group, and when its config would be too large or invalid
// ([topics.FieldError]) or the group or something it lists makes no sense ([store.UnreadableError]); the last
// one stays in force then.
func (m *Maker) Make(ctx context.Context, group, by string) (store.Snapshot, error) {
	s, _, err := m.make(ctx, group, by)
	if err != nil {
		return store.Snapshot{}, configError(group, err)
	}
	return s, nil
}

// make also reports whether the snapshot is new. It starts over when another manager appends first: that
// one has made progress then, and mostly there is nothing left to do.
func (m *Maker) make(ctx context.Context, group, by string) (s store.Snapshot, made bool, err error) {
	for {
		s, made, err = m.try(ctx, group, by)
		if !errors.Is(err, store.ErrConflict) {
			return s, made, err
		}
	}
}

// try reads the latest snapshot first and the documents after it. In that order a snapshot never has
// older documents than the one before it, because the append fails if there is one in between.
func (m *Maker) try(ctx context.Context, group, by string) (s store.Snapshot, made bool, err error) {
	seen := m.memory.look(m.now())
	latest, err := m.store.Snapshots().Latest(ctx, group)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.Snapshot{}, false, err
	}
	doc, err := m.store.DeviceGroups().Get(ctx, group)
	if errors.Is(err, store.ErrNotFound) {
		m.memory.forget(group, seen)
	}
	if err != nil {
		return store.Snapshot{}, false, err
	}
	parts, err := ReadParts(ctx, m.store, doc)
	if err != nil {
		return store.Snapshot{}, false, err
	}
	if err := parts.Unreadable(doc); err != nil {
		return store.Snapshot{}, false, err
	}
	following, err := next(latest.Head, m.store.Epoch(), Content(doc, parts), m.now(), m.by(doc, by))
	if err != nil {
		return store.Snapshot{}, false, err
	}
	if following == nil {
		m.memory.keep(latest, seen)
		return latest, false, nil
	}
	if err := m.append(ctx, *following, seen); err != nil {
		return store.Snapshot{}, false, err
	}
	return *following, true, nil
}

// by is who has changed the group, or what it lists, since it was last found to agree with its snapshot; otherwise
// when that is not known.
func (m *Maker) by(group store.DeviceGroup, otherwise string) string {
	known, _ := m.memory.get(group.DeviceGroup)
	return cmp.Or(m.authors.of(group, known.seen.changes), otherwise)
}

func (m *Maker) append(ctx context.Context, s store.Snapshot, seen look) error {
	if err := m.store.Snapshots().Append(ctx, s); err != nil {
		return err
	}
	m.memory.keep(s, seen)
	m.made.Add(1)
	m.log.Info("config made", "device_group", s.DeviceGroup, "version", s.Version.String(), "bytes", len(s.Payload), "by", s.By)
	m.warnIfLarge(s)
	return nil
}

// warnIfLarge warns when a group's config becomes large, not again while it stays so.
func (m *Maker) warnIfLarge(s store.Snapshot) {
	m.largeMu.Lock()
	defer m.largeMu.Unlock()
	if len(s.Payload) <= topics.WarnConfig {
		delete(m.large, s.DeviceGroup)
		return
	}
	if m.large[s.DeviceGroup] {
		return
	}
	m.large[s.DeviceGroup] = true
	m.log.Warn("config is large", "device_group", s.DeviceGroup, "bytes", len(s.Payload),
		"advised_bytes", topics.WarnConfig, "allowed_bytes", topics.MaxConfig)
}
