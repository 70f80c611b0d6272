package rig

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// mongoVariable names the URL of a MongoDB to test with, instead of FerretDB.
const mongoVariable = "MUSTER_TEST_MONGO_URL"

// mongoPatience is how long it may take to drop a test's database.
const mongoPatience = 30 * time.Second

var ferretdb struct {
	sync.Mutex
	tool *tool
}

// MongoDB returns the URL of an empty database of the test's own, which is dropped at its end. It is on the
// server that the environment variable MUSTER_TEST_MONGO_URL names, and else on a FerretDB that this
// process starts once and that ends with it.
func MongoDB(t testing.TB) string {
	t.Helper()
	server := os.Getenv(mongoVariable)
	if server == "" {
		server = sharedFerretDB(t)
	}
	return freshDatabase(t, server)
}

// freshDatabase names a new database in a server's URL. What else is in the URL stays.
func freshDatabase(t testing.TB, server string) string {
	t.Helper()
	database := Name("muster-test")
	address := InDatabase(server, database)
	client, err := mongo.Connect(options.Client().ApplyURI(address))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), mongoPatience)
		defer cancel()
		if err := client.Database(database).Drop(ctx); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
		_ = client.Disconnect(ctx)
	})
	return address
}

// InDatabase is the URL of another database on the same server. net/url does not know lists of hosts.
func InDatabase(server, database string) string {
	server, query, _ := strings.Cut(server, "?")
	scheme, rest, _ := strings.Cut(server, "://")
	hosts, named, _ := strings.Cut(rest, "/")
	if strings.Contains(hosts, "@") && !strings.Contains(query, "authSource=") {
		// Users live in the database that the URL names, or else in "admin".
		if named == "" {
			named = "admin"
		}
		query = strings.Trim("authSource="+named+"&"+query, "&")
	}
	return strings.TrimSuffix(fmt.Sprintf("%s://%s/%s?%s", scheme, hosts, database, query), "?")
}

func sharedFerretDB(t testing.TB) string {
	t.Helper()
	ferretdb.Lock()
	defer ferretdb.Unlock()
	if ferretdb.tool == nil {
		started, err := startTool(t.Context(), ferretdbTool, "ferretdb")
		if err != nil {
			t.Fatal(err)
		}
		ferretdb.tool = started
	}
	return "mongodb://" + ferretdb.tool.addr
}

// A MongoServer is a FerretDB of a test's own, which can be killed and started again with what it has on
// disk, on the same port.
type MongoServer struct {
	t    testing.TB
	addr string
	dir  string

	mu   sync.Mutex
	tool *tool // nil while killed
}

// FerretDB starts a FerretDB that ends with the test, whatever MUSTER_TEST_MONGO_URL says.
func FerretDB(t testing.TB) *MongoServer {
	t.Helper()
	s := &MongoServer{t: t, addr: fmt.Sprint("127.0.0.1:", FreePorts(t, 1)), dir: t.TempDir()}
	s.Start()
	t.Cleanup(s.Kill)
	return s
}

// Addr is the host:port that it listens on.
func (s *MongoServer) Addr() string { return s.addr }

// URL is that of the database "nebula".
func (s *MongoServer) URL() string { return "mongodb://" + s.addr + "/nebula" }

// Start starts it again after Kill, and returns when it listens.
func (s *MongoServer) Start() {
	s.t.Helper()
	started, err := startTool(s.t.Context(), ferretdbTool, "ferretdb", "-addr", s.addr, "-dir", s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tool = started
}

// Kill ends it at once, whatever it is doing.
func (s *MongoServer) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tool != nil {
		s.tool.kill()
		s.tool = nil
	}
}
