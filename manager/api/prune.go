package api

import (
	"errors"
	"net/http"
	"sync"

	"golang.org/x/sync/errgroup"

	"muster/manager/store"
)

// pruneParallel is how many device_groups one request works on at a time. A store commits them together.
const pruneParallel = 32

// prune has the devices of the group that the path names remove the images they do not use.
func (g groups) prune(r *http.Request) (int, any, error) {
	name := g.name(r)
	group, err := g.raisePruneID(r, name)
	return http.StatusAccepted, group, g.kind.about(name, err)
}

// pruned is raisePruneID with the audit trail told at once: of ten thousand groups, the entries must not wait for a
// time when there is none left to write them.
func (g groups) pruned(r *http.Request, name string) (store.DeviceGroup, error) {
	var group store.DeviceGroup
	_, _, err := g.recorded(func(r *http.Request) (_ int, _ any, err error) {
		group, err = g.raisePruneID(r, name)
		return 0, nil, err
	})(r)
	return group, err
}

// raisePruneID does not wait for other changes: what it changes always fits.
func (g groups) raisePruneID(r *http.Request, name string) (store.DeviceGroup, error) {
	return g.alter(r, "prune", name, func(group *store.DeviceGroup) error {
		group.PruneID++
		return nil
	})
}

// pruneAll is prune for every group. It goes on after a group that makes no sense, and ends at an error of the
// store or when the request's time is over. The answer has the prune_ids that were raised in any case.
func (g groups) pruneAll(r *http.Request) (int, any, error) {
	names, err := g.docs.Names(r.Context())
	if err != nil {
		return 0, nil, err
	}
	var (
		mu    sync.Mutex
		ids   = make(map[string]int64, len(names))
		wrong = map[string]error{}
		lost  error
	)
	all, ctx := errgroup.WithContext(r.Context())
	all.SetLimit(pruneParallel)
	for _, name := range names {
		all.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			group, err := g.pruned(r, name)
			mu.Lock()
			defer mu.Unlock()
			var unreadable *store.UnreadableError
			switch {
			case err == nil:
				ids[name] = group.PruneID
			case errors.Is(err, errUnrecorded):
				ids[name], lost = group.PruneID, err
				return err
			case errors.As(err, &unreadable):
				wrong[name] = unreadable.Docs[name]
			case errors.Is(err, store.ErrNotFound): // deleted since
			default:
				return err
			}
			return nil
		})
	}
	if err = all.Wait(); err == nil && len(wrong) > 0 {
		err = &store.UnreadableError{Kind: g.kind.word, Docs: wrong}
	}
	if err = errors.Join(lost, err); err != nil {
		return 0, nil, &partialError{err: err, field: "prune_ids", done: ids}
	}
	return http.StatusAccepted, map[string]any{"prune_ids": ids}, nil
}
