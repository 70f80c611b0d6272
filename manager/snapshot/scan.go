package snapshot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"muster/manager/store"
	"muster/topics"
)

// parallel is how many groups a scan works on at the same time: the store commits their snapshots
// together.
const parallel = 64

// MakeAll does for every group what [Maker.Make] does for one, with four reads of the store however many
// groups there are, and one more for each snapshot that another manager has made since. Groups that no
// longer exist are forgotten. It returns the heads of the snapshots it made, by group name. by is who made the
// changes that [Maker.Changed] has not told of.
//
// The error joins those of the groups whose config would be too large or invalid ([topics.FieldError]), or that
// make no sense or list something that makes none ([store.UnreadableError]), each naming its group. These keep
// their last config, and the others are made all the same. An error of the store ends the scan.
func (m *Maker) MakeAll(ctx context.Context, by string) (made []store.Head, err error) {
	s, err := m.read(ctx, by)
	if err != nil {
		return nil, err
	}
	known := m.digests.Load()
	s.changed = known.changed(s.parts)
	results := make([]result, len(s.groups))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	indexes := make(chan int)
	var workers sync.WaitGroup
	for range min(parallel, len(s.groups)) {
		workers.Go(func() {
			for i := range indexes {
				results[i] = m.update(ctx, s, s.groups[i], known)
				if results[i].fatal {
					cancel(results[i].err)
				}
			}
		})
	}
	for i := range s.groups {
		if ctx.Err() != nil {
			break
		}
		indexes <- i
	}
	close(indexes)
	workers.Wait()

	var errs []error
	seen := &digests{parts: s.parts, groups: make(map[string]digested, len(s.groups))}
	for i, r := range results {
		if r.digest != "" {
			seen.groups[s.groups[i].DeviceGroup] = digested{s.groups[i], r.digest}
		}
		if r.made {
			made = append(made, r.head)
		}
		if r.err != nil && !r.fatal {
			errs = append(errs, configError(s.groups[i].DeviceGroup, r.err))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.unreadable)) {
		why := &store.UnreadableError{Kind: store.DeviceGroupKind().Singular, Docs: map[string]error{name: s.unreadable[name]}}
		r := m.keepLast(ctx, s.heads[name], why)
		if r.fatal {
			cancel(r.err)
			break
		}
		errs = append(errs, configError(name, r.err))
	}
	m.digests.Store(seen)
	if cause := context.Cause(ctx); cause != nil {
		errs = append(errs, fmt.Errorf("make configs: %w", cause))
	} else {
		m.memory.forgetExcept(s.names(), s.seen)
		m.authors.forget(s.seen.changes)
	}
	return made, errors.Join(errs...)
}

// A scan is what MakeAll has read.
type scan struct {
	seen   look
	heads  map[string]store.Head
	groups []store.DeviceGroup
	// unreadable are the groups that make no sense. They are not deleted for that.
	unreadable map[string]error
	parts      Parts
	// changed are the parts that are not what they were in the scan before.
	changed changes
	by      string
}

// read reads the heads first and the documents after them, for the reason that is given at try.
func (m *Maker) read(ctx context.Context, by string) (s scan, err error) {
	s = scan{seen: m.memory.look(m.now()), by: by}
	if s.heads, err = m.store.Snapshots().Heads(ctx); err != nil {
		return s, err
	}
	s.groups, err = m.store.DeviceGroups().All(ctx)
	if s.unreadable, err = apart(err); err != nil {
		return s, err
	}
	apps, err := m.store.Apps().All(ctx)
	if s.parts.Apps, err = listed(apps, err, store.AppKind()); err != nil {
		return s, err
	}
	jobs, err := m.store.CronJobs().All(ctx)
	s.parts.CronJobs, err = listed(jobs, err, store.CronJobKind())
	return s, err
}

func (s scan) names() map[string]bool {
	names := make(map[string]bool, len(s.groups))
	for _, g := range s.groups {
		names[g.DeviceGroup] = true
	}
	for name := range s.unreadable {
		names[name] = true
	}
	return names
}

// A result is what came of one group.
type result struct {
	head store.Head
	made bool
	// digest is that of the content that the scan has read, if it is known.
	digest string
	err    error
	// fatal says that err is the store's, so that there is no point in going on.
	fatal bool
}

// update brings one group up to date.
func (m *Maker) update(ctx context.Context, s scan, group store.DeviceGroup, known *digests) result {
	latest := s.heads[group.DeviceGroup]
	if why := s.parts.Unreadable(group); why != nil {
		return m.keepLast(ctx, latest, why)
	}
	if digest, ok := known.of(group, s.changed); ok && agrees(latest, m.store.Epoch(), digest) {
		err := m.remember(ctx, latest, s.seen)
		return result{digest: digest, err: err, fatal: err != nil}
	}
	following, refused := next(latest, m.store.Epoch(), Content(group, s.parts), m.now(), m.by(group, s.by))
	if refused != nil {
		return m.keepLast(ctx, latest, refused)
	}
	if following == nil {
		err := m.remember(ctx, latest, s.seen)
		return result{digest: latest.SHA256, err: err, fatal: err != nil}
	}
	err := m.append(ctx, *following, s.seen)
	if err == nil {
		return result{head: following.Head, made: true, digest: following.SHA256}
	}
	if !errors.Is(err, store.ErrConflict) {
		return result{err: err, fatal: true}
	}
	one, made, err := m.make(ctx, group.DeviceGroup, s.by)
	var (
		invalid    *topics.FieldError
		unreadable *store.UnreadableError
	)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return result{} // deleted since
	case errors.As(err, &invalid), errors.As(err, &unreadable):
		return result{err: err}
	case err != nil:
		return result{err: err, fatal: true}
	}
	return result{head: one.Head, made: made}
}

// keepLast is for a group that can have no new config: devices that ask are given the last one. It is not
// current, hence no look.
func (m *Maker) keepLast(ctx context.Context, latest store.Head, why error) result {
	if err := m.remember(ctx, latest, look{}); err != nil {
		return result{err: err, fatal: true}
	}
	return result{err: why}
}

func configError(group string, err error) error {
	return fmt.Errorf("config of device_group %q: %w", group, err)
}

// remember has the group's latest snapshot in memory, and reads it from the store when another manager
// made it.
func (m *Maker) remember(ctx context.Context, latest store.Head, seen look) error {
	if latest.IsZero() || m.memory.confirm(latest.DeviceGroup, latest.Version, seen) {
		return nil
	}
	s, err := m.store.Snapshots().Latest(ctx, latest.DeviceGroup)
	if err != nil {
		return err
	}
	if s.Version != latest.Version {
		seen = look{} // it was made since, and nobody has compared it with the documents
	}
	m.memory.keep(s, seen)
	return nil
}
