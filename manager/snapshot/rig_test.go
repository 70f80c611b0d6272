package snapshot

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"muster/manager/store"
	"muster/manager/store/mongo"
	"muster/manager/store/sqlite"
	servers "muster/test/rig"
	"muster/topics"
)

// A rig is a store, a Maker on it, a clock and a log.
type rig struct {
	*testing.T
	ctx context.Context
	// path is the file of an SQLite store.
	path string
	// opens opens another handle on the store.
	opens func(context.Context) (store.Store, error)
	st    *spy
	m     *Maker
	// log is what the Makers have logged through logger.
	log    *bytes.Buffer
	logger *slog.Logger
	// time is what the Maker takes for now.
	time time.Time
}

// stores make a fresh store, in the file at path if it is one, and return how to open it.
var stores = map[string]func(t testing.TB, path string) func(context.Context) (store.Store, error){
	"sqlite": func(_ testing.TB, path string) func(context.Context) (store.Store, error) {
		o := sqlite.Options{Path: path, Log: slog.New(slog.DiscardHandler)}
		return func(ctx context.Context) (store.Store, error) { return sqlite.Open(ctx, o) }
	},
	"mongo": func(t testing.TB, _ string) func(context.Context) (store.Store, error) {
		// FerretDB searches all that there is for each snapshot.
		o := mongo.Options{URL: servers.MongoDB(t), Log: slog.New(slog.DiscardHandler), Timeout: time.Minute}
		return func(ctx context.Context) (store.Store, error) { return mongo.Open(ctx, o) }
	},
}

// newRig is a rig on SQLite.
func newRig(t *testing.T) *rig { return newRigOn(t, "sqlite") }

func newRigOn(t *testing.T, kind string) *rig {
	path := filepath.Join(t.TempDir(), "store.db")
	r := &rig{
		T: t, ctx: t.Context(), path: path, opens: stores[kind](t, path),
		log: &bytes.Buffer{}, time: time.Date(2024, 5, 6, 7, 8, 9, 123_456_789, time.UTC),
	}
	r.logger = slog.New(slog.NewTextHandler(r.log, nil))
	r.st = &spy{Store: r.open()}
	r.m = r.maker(r.st)
	return r
}

// open opens another handle on the store.
func (r *rig) open() store.Store {
	r.Helper()
	st, err := r.opens(r.ctx)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() {
		if err := st.Close(); err != nil {
			r.Error(err)
		}
	})
	return st
}

// maker makes another Maker, as another manager would have.
func (r *rig) maker(st store.Store) *Maker {
	return New(st, func() time.Time { return r.time }, r.logger)
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) group(name string, apps ...string) {
	r.Helper()
	r.must(r.st.DeviceGroups().Create(r.ctx, store.DeviceGroup{DeviceGroup: name, DeviceGroupID: 1, PruneID: 1, Apps: apps}))
}

func (r *rig) app(name string) {
	r.Helper()
	r.must(r.st.Apps().Create(r.ctx, topics.NewApp(name, "image")))
}

func (r *rig) cronJob(name string) {
	r.Helper()
	r.must(r.st.CronJobs().Create(r.ctx, topics.NewCronJob(name, "0 4 * * *", "image")))
}

// list has a group list cron_jobs.
func (r *rig) list(group string, jobs ...string) {
	r.Helper()
	_, err := r.st.DeviceGroups().Modify(r.ctx, group, func(g *store.DeviceGroup) error { g.CronJobs = jobs; return nil })
	r.must(err)
}

// reschedule alters a cron_job as the API would.
func (r *rig) reschedule(name, schedule string) {
	r.Helper()
	_, err := r.st.CronJobs().Modify(r.ctx, name, func(c *topics.CronJob) error {
		c.CronJobID++
		c.Schedule = schedule
		return nil
	})
	r.must(err)
}

// change alters an app as the API would.
func (r *rig) change(name string, set func(*topics.App)) {
	r.Helper()
	_, err := r.st.Apps().Modify(r.ctx, name, func(a *topics.App) error {
		a.AppID++
		set(a)
		return nil
	})
	r.must(err)
}

func (r *rig) image(app, image string) {
	r.Helper()
	r.change(app, func(a *topics.App) { a.DockerImage = image })
}

// made checks that a snapshot has a config_id, and returns the config in it.
func (r *rig) made(s store.Snapshot, configID int64) topics.Config {
	r.Helper()
	c, err := topics.ParseConfig(s.Payload)
	r.must(err)
	if s.ConfigID != configID || c.ConfigID != configID || c.Version != s.Version || c.SHA256 != s.SHA256 || !c.IssuedAt.Equal(s.At) {
		r.Errorf("got snapshot %+v with config %+v, want config_id %d", s.Head, c, configID)
	}
	return c
}

// A spy is a store that counts what is asked of it and lets a test come in between.
type spy struct {
	store.Store
	mu    sync.Mutex
	calls map[string]int
	// before is called before each call with its name.
	before func(call string)
	// broken is the error of every Append, if any.
	broken error
}

func (s *spy) note(call string) {
	s.mu.Lock()
	if s.calls == nil {
		s.calls = map[string]int{}
	}
	s.calls[call]++
	before := s.before
	s.mu.Unlock()
	if before != nil {
		before(call)
	}
}

// once has f called before the next call of that name.
func (s *spy) once(name string, f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = func(call string) {
		if call == name {
			s.mu.Lock()
			s.before = nil
			s.mu.Unlock()
			f()
		}
	}
}

// asked returns what was asked since it was last called.
func (s *spy) asked() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

func (s *spy) Apps() store.Documents[topics.App] {
	return spyDocuments[topics.App]{s.Store.Apps(), s, "apps"}
}

func (s *spy) CronJobs() store.Documents[topics.CronJob] {
	return spyDocuments[topics.CronJob]{s.Store.CronJobs(), s, "cron_jobs"}
}

func (s *spy) DeviceGroups() store.Documents[store.DeviceGroup] {
	return spyDocuments[store.DeviceGroup]{s.Store.DeviceGroups(), s, "device_groups"}
}

func (s *spy) Snapshots() store.Snapshots { return spySnapshots{s.Store.Snapshots(), s} }

type spyDocuments[T any] struct {
	store.Documents[T]
	spy  *spy
	kind string
}

func (d spyDocuments[T]) Get(ctx context.Context, name string) (T, error) {
	d.spy.note(d.kind + ".Get")
	return d.Documents.Get(ctx, name)
}

func (d spyDocuments[T]) Some(ctx context.Context, names []string) ([]T, error) {
	d.spy.note(d.kind + ".Some")
	return d.Documents.Some(ctx, names)
}

func (d spyDocuments[T]) All(ctx context.Context) ([]T, error) {
	d.spy.note(d.kind + ".All")
	return d.Documents.All(ctx)
}

type spySnapshots struct {
	store.Snapshots
	spy *spy
}

func (n spySnapshots) Append(ctx context.Context, s store.Snapshot) error {
	n.spy.note("Append")
	if n.spy.broken != nil {
		return n.spy.broken
	}
	return n.Snapshots.Append(ctx, s)
}

func (n spySnapshots) Latest(ctx context.Context, group string) (store.Snapshot, error) {
	n.spy.note("Latest")
	return n.Snapshots.Latest(ctx, group)
}

func (n spySnapshots) Heads(ctx context.Context) (map[string]store.Head, error) {
	n.spy.note("Heads")
	return n.Snapshots.Heads(ctx)
}
