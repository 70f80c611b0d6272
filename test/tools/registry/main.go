// Command registry is an image registry for tests: the CNCF distribution without its cloud storage,
// authentication and telemetry. The first line that it prints is its address; it runs until its standard
// input ends.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/inmemory"
	"github.com/sirupsen/logrus"

	"muster/test/tools/internal/serve"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "listen on `host:port`; port 0 picks a free one")
	dir := flag.String("dir", "", "keep images in `directory`; in memory when empty")
	flag.Parse()

	logrus.SetOutput(io.Discard)
	app := handlers.NewApp(context.Background(), config(*dir))
	if err := serve.Until(os.Stdin, *addr, app); err != nil {
		fmt.Fprintln(os.Stderr, "registry:", err)
		os.Exit(1)
	}
}

func config(dir string) *configuration.Configuration {
	storage := configuration.Storage{"inmemory": nil}
	if dir != "" {
		storage = configuration.Storage{"filesystem": {"rootdirectory": dir}}
	}
	// Left on, the purge of abandoned uploads would look through the storage at its own time.
	storage["maintenance"] = configuration.Parameters{"uploadpurging": map[any]any{"enabled": false}}
	return &configuration.Configuration{
		Storage: storage,
		Catalog: configuration.Catalog{MaxEntries: 1000},
	}
}
