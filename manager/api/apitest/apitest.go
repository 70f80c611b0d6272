// Package apitest serves the REST API on a store of its own, for tests of those who call it.
package apitest

import (
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"muster/manager/api"
	"muster/manager/api/openapi/openapitest"
	"muster/manager/auth"
	"muster/manager/snapshot"
	"muster/manager/store"
	"muster/manager/store/sqlite"
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
}

// Start serves until the test ends. An answer that is not as documented, or a request that is accepted and is not, makes
// the test fail.
func Start(t testing.TB) *Server {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	documents, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "muster.db"), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := documents.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	who, err := auth.New(auth.Config{
		AdminUser: User, AdminPassword: Password, AdminToken: Token,
		Users: documents, CacheTime: 10 * time.Second, Log: log, Cost: bcrypt.MinCost,
	})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := api.New(api.Options{
		Store: documents, Configs: snapshot.New(documents, time.Now, log), Auth: who, Changed: func(string) {}, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(openapitest.Handler(t, handler))
	t.Cleanup(server.Close)
	return &Server{Server: server, Store: documents}
}
