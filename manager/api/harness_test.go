package api_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"

	"muster/manager/api"
	"muster/manager/api/openapi/openapitest"
	"muster/manager/auth"
	"muster/manager/authority"
	"muster/manager/snapshot"
	"muster/manager/store"
	"muster/manager/store/mongo"
	"muster/manager/store/mongo/mongotest"
	"muster/manager/store/sqlite"
	"muster/test/logs"
	"muster/test/rig"
	"muster/topics"
)

const (
	user     = "root"
	password = "secret-pa55"
	token    = "secret-t0ken"
	// oldToken is the ID of a token that is there.
	oldToken = "OLDTOKENID"
)

// A manager is the API with a store behind it, and with what it told others.
type manager struct {
	t       testing.TB
	handler http.Handler
	// bare is the handler without the check against the OpenAPI document, which benchmarks do not measure.
	bare  http.Handler
	store store.Store
	log   *logs.Buffer
	plant func(ctx context.Context, plural, name, doc string) error // of its store, when that has one

	mu      sync.Mutex
	changes []string // who made each change
}

// An opener opens an empty store for a test, which closes it at its end.
type opener func(testing.TB) openedStore

// An openedStore is a store whose documents other programs change too.
type openedStore struct {
	store.Store
	// plant puts in a document, or replaces one, as another program might: a JSON object that carries the
	// name, in the table or collection of a kind.
	plant func(ctx context.Context, plural, name, doc string) error
}

// stores are the stores that tests run on.
var stores = []struct {
	name string
	open opener
}{
	{"sqlite", openStore},
	{"mongo", openMongo},
}

// onEveryStore runs a test once on each store. Tests of what a client is told, and of what is kept, use it;
// tests of anything else make do with newManager.
func onEveryStore(t *testing.T, test func(t *testing.T, open opener)) {
	t.Helper()
	for _, s := range stores {
		t.Run(s.name, func(t *testing.T) { test(t, s.open) })
	}
}

// manager is a manager with an empty store of that kind.
func (open opener) manager(t testing.TB) *manager {
	t.Helper()
	s := open(t)
	m := newManagerAround(t, s)
	m.plant = s.plant
	return m
}

// newManager is a manager with an empty SQLite store.
func newManager(t testing.TB) *manager { return opener(openStore).manager(t) }

// newManagerAround is for a store that a test has put something in front of.
func newManagerAround(t testing.TB, s store.Store) *manager {
	t.Helper()
	return newManagerWith(t, s, func(*api.Options) {})
}

// newManagerWith is for options of a test's own.
func newManagerWith(t testing.TB, s store.Store, change func(*api.Options)) *manager {
	t.Helper()
	m := &manager{t: t, store: s, log: &logs.Buffer{}}
	who, err := auth.New(auth.Config{
		AdminUser: user, AdminPassword: password, AdminToken: token,
		Users: s, CacheTime: time.Hour, Log: slog.New(slog.DiscardHandler), Cost: bcrypt.MinCost,
	})
	if err != nil {
		t.Fatal(err)
	}
	o := api.Options{
		Store: s, Configs: newMaker(s), Auth: who, Fleet: idleFleet(s), Enrollment: idleDesk(t, s),
		Changed: func(by string) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.changes = append(m.changes, by)
		},
		Log: slog.New(slog.NewTextHandler(m.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if o.Authorities, err = authority.Open(t.Context(), s.Authorities(), authority.Options{Identities: s.Identities(), Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	change(&o)
	m.handler, err = api.New(o)
	if err != nil {
		t.Fatal(err)
	}
	m.bare = m.handler
	m.handler = openapitest.Handler(t, m.handler)
	return m
}

func newMaker(s store.Store) *snapshot.Maker {
	return snapshot.New(s, time.Now, slog.New(slog.DiscardHandler))
}

func openMongo(t testing.TB) openedStore {
	t.Helper()
	url := rig.MongoDB(t)
	s, err := mongo.Open(t.Context(), mongo.Options{URL: url, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return openedStore{s, func(ctx context.Context, plural, name, doc string) error {
		return mongotest.Plant(ctx, url, plural, name, doc)
	}}
}

func openStore(t testing.TB) openedStore {
	t.Helper()
	path := filepath.Join(t.TempDir(), "muster.db")
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: path, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return openedStore{s, func(ctx context.Context, plural, name, doc string) error {
		db, err := sql.Open("sqlite", path)
		if err != nil {
			return err
		}
		_, err = db.ExecContext(ctx, `INSERT INTO `+plural+` (name, doc) VALUES (?, ?) ON CONFLICT DO UPDATE SET doc = excluded.doc`, name, doc)
		return errors.Join(err, db.Close())
	}}
}

// fill puts in the documents that most tests start from: the app web, the app idle that is not running,
// the device_group fleet with web, a report of the device till in it, a token for devices in it, the cron_job nightly, which it does not
// list, and those of [manager.fillUsers].
func (m *manager) fill() {
	m.t.Helper()
	m.fillUsers()
	ctx := context.Background()
	web, idle, nightly := topics.NewApp("web", "nginx:1"), topics.NewApp("idle", "busybox"), topics.NewCronJob("nightly", "0 4 * * *", "backup:1")
	web.EnvVars = topics.EnvVars{"A": "1"}
	nightly.EnvVars = web.EnvVars
	web.Volumes = []string{"/tmp:/tmp"}
	nightly.Volumes = web.Volumes
	idle.Running = false
	for _, err := range []error{
		m.store.Apps().Create(ctx, web),
		m.store.Apps().Create(ctx, idle),
		m.store.CronJobs().Create(ctx, nightly),
		m.store.DeviceGroups().Create(ctx, store.DeviceGroup{DeviceGroup: "fleet", DeviceGroupID: 1, PruneID: 1, Apps: []string{"web"}}),
		m.store.Tokens().Create(ctx, store.Token{
			ID: oldToken, Kind: store.TokenEnroll, DeviceGroup: "fleet", Uses: 1, Created: time.Now().Add(-time.Hour), Expires: time.Now().Add(time.Hour),
		}),
		m.store.Devices().Observe(ctx, []store.Sighting{{
			Head:   store.DeviceHead{Device: "till", DeviceGroup: "fleet", Phase: topics.PhaseWaiting, Reported: time.Now()},
			Report: json.RawMessage(`{"device": "till", "device_group": "fleet", "phase": "waiting"}`), Boot: "b", Seq: 1,
		}}, func(store.Device, store.Sighting) []store.Event { return nil }),
		second(m.store.Identities().Create(ctx, store.Identity{Device: "till", DeviceGroup: "fleet", State: store.IdentityPending, PublicKey: []byte("key")})),
	} {
		if err != nil {
			m.t.Fatal(err)
		}
	}
}

// second is the error of a call whose result is not looked at.
func second[T any](_ T, err error) error { return err }

// do makes a request as the admin. path is below /api/v2.
func (m *manager) do(method, path, body string) *httptest.ResponseRecorder {
	return m.serve(m.request(method, path, body))
}

// request is what do makes.
func (m *manager) request(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, "/api/v2"+path, strings.NewReader(body))
	r.SetBasicAuth(user, password)
	return r
}

func (m *manager) serve(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	m.handler.ServeHTTP(w, r)
	return w
}

// wantJSON checks an answer whole: its status, its content type, and its body as JSON.
func wantJSON(t testing.TB, w *httptest.ResponseRecorder, status int, want string) {
	t.Helper()
	if w.Code != status {
		t.Errorf("status %d, want %d; body %s", w.Code, status, w.Body)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	if diff := cmp.Diff(decode(t, want), decode(t, w.Body.String())); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

func decode(t testing.TB, s string) (v any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%q is not JSON: %v", s, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		t.Fatalf("%q is more than one JSON value", s)
	}
	return v
}

func (m *manager) changedBy() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changes
}

// A fact is a request and the answer that Nebula's clients rely on.
type fact struct {
	method, path, body string
	status             int
	want               string
}

// checkFacts makes each request on what [manager.fill] puts in: those that change nothing share one manager.
func checkFacts(t *testing.T, facts []fact) {
	onEveryStore(t, func(t *testing.T, open opener) {
		shared := open.manager(t)
		shared.fill()
		for _, f := range facts {
			t.Run(f.method+f.path+f.body[:min(len(f.body), 99)], func(t *testing.T) {
				m, changes := shared, 0
				if f.method != "GET" && f.status < 300 {
					m, changes = open.manager(t), 1
					m.fill()
				}
				wantJSON(t, m.do(f.method, f.path, f.body), f.status, f.want)
				if resource := strings.TrimSuffix(f.path, "/update"); resource != f.path && f.status < 300 {
					wantJSON(t, m.do("GET", resource, ""), 200, f.want) // what was answered is what was written
				}
				if by := m.changedBy(); len(by) != changes || changes == 1 && by[0] != user {
					t.Errorf("the publisher was poked for %q, want %d by %s", by, changes, user)
				}
			})
		}
	})
}
