package authority

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"muster/manager/store"
)

// Why an authority is not made or retired now.
var (
	// ErrRolled says that somebody else has made the next authority at the same time.
	ErrRolled = errors.New("somebody else has just made the next authority")
	// ErrIssuing says that the authority is the one that issues.
	ErrIssuing = errors.New("is the one that issues: make the next one first")
	// ErrInUse says that devices would be locked out.
	ErrInUse = errors.New("devices would be locked out")
)

// Roll makes the next authority and has it issue from now on; the other managers follow. It fails with [ErrRolled].
func (f *Fleet) Roll(ctx context.Context, by string) (Info, error) {
	f.replacing.Lock()
	defer f.replacing.Unlock()
	if err := f.refresh(ctx); err != nil {
		return Info{}, err
	}
	all := f.known.Load().all
	before := all[len(all)-1]
	if before.key == nil {
		return Info{}, fmt.Errorf("authority %q: %w", before.doc.ID, before.unusable)
	}
	id := strconv.Itoa(before.number + 1)
	made, key, err := newAuthority(id, before, time.Now())
	if err != nil {
		return Info{}, err
	}
	doc, err := f.document(made, key, by)
	if err != nil {
		return Info{}, err
	}
	switch err := f.store.Create(ctx, doc); {
	case errors.Is(err, store.ErrExists):
		return Info{}, ErrRolled
	case err != nil:
		return Info{}, err
	}
	if err := f.refresh(ctx); err != nil {
		return Info{}, err
	}
	return f.Get(id)
}

// Retire ends the belief in devices' certificates of an authority, and in nothing else: those who believe in that authority
// still find the way to the servers. Unless it is forced, it fails with [ErrInUse] while devices have certificates of it, and for a
// while after the next authority was made, because other managers may not have heard of that one. It fails with
// [ErrIssuing], and with [store.ErrNotFound]. One that is retired already stays so.
func (f *Fleet) Retire(ctx context.Context, id string, force bool) (Info, error) {
	f.replacing.Lock()
	defer f.replacing.Unlock()
	if err := f.refresh(ctx); err != nil {
		return Info{}, err
	}
	k, now := f.known.Load(), time.Now()
	a := k.find(id)
	switch {
	case a == nil:
		return Info{}, fmt.Errorf("authority %q: %w", id, store.ErrNotFound)
	case a == k.all[len(k.all)-1] || a == k.issuing():
		return Info{}, fmt.Errorf("authority %q: %w", id, ErrIssuing)
	case !a.doc.Retired.IsZero():
		return f.Get(id)
	}
	if !force {
		if err := f.unused(ctx, k, a, now); err != nil {
			return Info{}, err
		}
	}
	_, err := f.store.Modify(ctx, id, func(doc *store.Authority) error {
		if doc.Retired.IsZero() {
			doc.Retired = now.UTC()
		}
		return nil
	})
	if err != nil {
		return Info{}, err
	}
	if err := f.refresh(ctx); err != nil {
		return Info{}, err
	}
	return f.Get(id)
}

// unused fails with [ErrInUse] when devices have, or may just be getting, certificates of an authority.
func (f *Fleet) unused(ctx context.Context, k *known, a *issuer, now time.Time) error {
	for _, next := range k.all {
		if next.number != a.number+1 {
			continue
		}
		if wait := next.doc.Created.Add(f.hearsay()).Sub(now); wait > 0 {
			return fmt.Errorf("authority %q: %w: other managers may still issue by it for %v", a.doc.ID, ErrInUse, wait.Round(time.Second))
		}
	}
	held, example, err := f.holders(ctx, a.doc.ID, now)
	if err != nil {
		return err
	}
	if held > 0 {
		return fmt.Errorf("authority %q: %w: %d have a certificate of it, %s is one", a.doc.ID, ErrInUse, held, example)
	}
	return nil
}

// hearsay is how long it may take until all managers have heard of a new authority.
func (f *Fleet) hearsay() time.Duration { return 3*f.o.Every + time.Minute }
