package api

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"muster/manager/store"
)

// defaultCacheTime is the CacheTime of those who give none.
const defaultCacheTime = 10 * time.Second

// A listing knows which device_groups list an app or cron_job. Reading all of them for each of the changes that a
// pipeline makes in a row would cost more than all else. It is as of the last change of a device_group through this
// manager; those of others may be missing for maxAge.
type listing struct {
	groups  store.Documents[store.DeviceGroup]
	maxAge  time.Duration
	changes atomic.Int64
	known   atomic.Pointer[listed]
}

// listed is what a listing has read.
type listed struct {
	at               time.Time
	changes          int64 // as of before it was read
	byApp, byCronJob map[string][]store.DeviceGroup
}

// changed says that a device_group is not what it was.
func (l *listing) changed() { l.changes.Add(1) }

// withApp are the device_groups that list the app.
func (l *listing) withApp(ctx context.Context, name string) ([]store.DeviceGroup, error) {
	known, err := l.read(ctx)
	if err != nil {
		return nil, err
	}
	return known.byApp[name], nil
}

// withCronJob are the device_groups that list the cron_job.
func (l *listing) withCronJob(ctx context.Context, name string) ([]store.DeviceGroup, error) {
	known, err := l.read(ctx)
	if err != nil {
		return nil, err
	}
	return known.byCronJob[name], nil
}

func (l *listing) read(ctx context.Context) (*listed, error) {
	changes, now := l.changes.Load(), time.Now()
	if known := l.known.Load(); known != nil && known.changes == changes && now.Sub(known.at) < l.maxAge {
		return known, nil
	}
	groups, err := l.groups.All(ctx)
	// Those that make no sense get no new config before they are repaired.
	var unreadable *store.UnreadableError
	if err != nil && !errors.As(err, &unreadable) {
		return nil, err
	}
	known := &listed{at: now, changes: changes, byApp: map[string][]store.DeviceGroup{}, byCronJob: map[string][]store.DeviceGroup{}}
	for _, g := range groups {
		for _, app := range g.Apps {
			known.byApp[app] = append(known.byApp[app], g)
		}
		for _, job := range g.CronJobs {
			known.byCronJob[job] = append(known.byCronJob[job], g)
		}
	}
	l.known.Store(known)
	return known, nil
}
