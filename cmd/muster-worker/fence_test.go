package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// maxSize is the largest size in bytes of the stripped program: devices are small, and links slow.
const maxSize = 9 << 20

// ours are the packages of this module that a device carries. A new one is a decision.
var ours = []string{
	"muster/broker/client",
	"muster/broker/client/network",
	"muster/broker/client/request",
	"muster/cmd/internal/brokerflags",
	"muster/cmd/internal/program",
	"muster/cmd/internal/settings",
	"muster/cmd/muster-worker",
	"muster/topics",
	"muster/topics/schedule",
	"muster/topics/token",
	"muster/worker",
	"muster/worker/docker",
	"muster/worker/durable",
	"muster/worker/identity",
	"muster/worker/link",
	"muster/worker/machine",
	"muster/worker/outbox",
	"muster/worker/selfcheck",
	"muster/worker/status",
}

// foreign are modules that a device must not carry, each with what it would bring.
var foreign = map[string]string{
	"github.com/mochi-mqtt/":     "a broker",
	"modernc.org/":               "a database",
	"go.mongodb.org/":            "a database's client",
	"github.com/go-chi/":         "a web server's routes",
	"github.com/pressly/goose/":  "migrations",
	"google.golang.org/grpc":     "gRPC",
	"google.golang.org/protobuf": "protobuf",
	"k8s.io/":                    "Kubernetes",
	"net/http/pprof":             "profiling over HTTP",
	"testing":                    "test code",
}

func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	var linked []string
	for pkg := range strings.FieldsSeq(string(out)) {
		if strings.HasPrefix(pkg, "muster/") {
			linked = append(linked, pkg)
		}
		for prefix, what := range foreign {
			if strings.HasPrefix(pkg, prefix) {
				t.Errorf("the worker links %s: %s", pkg, what)
			}
		}
	}
	slices.Sort(linked)
	if !slices.Equal(linked, ours) {
		t.Errorf("the worker links of this module\n%s\nand should\n%s", strings.Join(linked, "\n"), strings.Join(ours, "\n"))
	}
}

// The size is that of the program that make builds.
func TestSize(t *testing.T) {
	program := filepath.Join(t.TempDir(), "muster-worker")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-tags", setting(t, "WORKERTAGS"), "-gcflags", setting(t, "WORKERGCFLAGS"), "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.2f MiB", float64(info.Size())/(1<<20))
	if info.Size() > maxSize {
		t.Errorf("the program has %d bytes, at most %d are allowed", info.Size(), maxSize)
	}
}

// setting is what the Makefile says of how a worker is built that is shipped.
func setting(t *testing.T, name string) string {
	t.Helper()
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(makefile)) {
		if _, value, found := strings.Cut(line, name+" := "); found {
			return strings.TrimSpace(value)
		}
	}
	t.Fatalf("the Makefile sets no %s", name)
	return ""
}
