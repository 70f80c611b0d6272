// Package apitest serves the REST API on a store of its own, for tests of those who call it.
package apitest

import (
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"muster/broker/client"
	"muster/manager/api"
	"muster/manager/api/openapi/openapitest"
	"muster/manager/auth"
	"muster/manager/authority"
	"muster/manager/devices"
	"muster/manager/enroll"
	"muster/manager/snapshot"
	"muster/manager/store"
	"muster/manager/store/mongo"
	"muster/manager/store/sqlite"
	"muster/test/rig"
)

// Credentials of the local admin.
const (
	User     = "root"
	Password = "secret-pa55"
	Token    = "secret-t0ken"
)

// A Server is a manager's REST API on a free port of the loopback interface.
type Server struct {
	*httptest.Server
	Store store.Store
	// Bus is at the broker that devices are connected to: what it publishes is what they say.
	Bus client.Client
	// Devices is what knows them.
	Devices *devices.Fleet
}

// Stores open an empty store of each kind, which is closed when the test ends.
var Stores = map[string]func(testing.TB) store.Store{
	"sqlite": func(t testing.TB) store.Store {
		s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "muster.db"), Log: discard})
		return untilTheEnd(t, s, err)
	},
	"mongo": func(t testing.TB) store.Store {
		s, err := mongo.Open(t.Context(), mongo.Options{URL: rig.MongoDB(t), Log: discard})
		return untilTheEnd(t, s, err)
	},
}

var discard = slog.New(slog.DiscardHandler)

// untilTheEnd is what opening a store has returned.
func untilTheEnd(t testing.TB, s store.Store, err error) store.Store {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return s
}

// Start serves on an SQLite store until the test ends. An answer that is not as documented, or a request that is
// accepted and is not, makes the test fail.
func Start(t testing.TB) *Server {
	t.Helper()
	return StartOn(t, Stores["sqlite"](t))
}

// StartOn is Start on another store.
func StartOn(t testing.TB, documents store.Store) *Server {
	t.Helper()
	who, err := auth.New(auth.Config{
		AdminUser: User, AdminPassword: Password, AdminToken: Token,
		Users: documents, CacheTime: 10 * time.Second, Log: discard, Cost: bcrypt.MinCost,
	})
	if err != nil {
		t.Fatal(err)
	}
	configs := snapshot.New(documents, time.Now, discard)
	bus, known := startFleet(t, documents, configs)
	authorities, err := authority.Open(t.Context(), documents.Authorities(), authority.Options{Identities: documents.Identities(), Log: discard})
	if err != nil {
		t.Fatal(err)
	}
	desk, err := enroll.New(enroll.Options{
		Tokens: documents.Tokens(), Identities: documents.Identities(), Devices: documents.Devices(), Audit: documents.Audit(),
		Authority: authorities, Changed: known.Identified, Log: discard,
	})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := api.New(api.Options{
		Store: documents, Configs: configs, Auth: who, Fleet: known, Enrollment: desk, Authorities: authorities, Changed: func(string) {}, Log: discard,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(openapitest.Handler(t, handler))
	t.Cleanup(server.Close)
	return &Server{Server: server, Store: documents, Bus: bus, Devices: known}
}
