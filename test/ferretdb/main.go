// Command ferretdb is a MongoDB for tests: FerretDB 1.24 on SQLite, embedded, without telemetry. The first
// line that it prints is its address; it runs until its standard input ends.
//
// Clients reach it through a front that lets one change through at a time: see front.go.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "listen on `host:port`; port 0 picks a free one")
	dir := flag.String("dir", "", "keep databases in `directory`; in one that is removed at the end when empty")
	flag.Parse()

	if err := run(*addr, *dir, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "ferretdb:", err)
		os.Exit(1)
	}
}

// run serves until stdin ends, which it also does when the parent process dies.
func run(addr, dir string, stdin io.Reader, stdout io.Writer) error {
	if dir == "" {
		temporary, err := os.MkdirTemp("", "ferretdb")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(temporary) }()
		dir = temporary
	}
	db, err := ferretdb.New(&ferretdb.Config{
		Listener: ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		// It logs each write that it refuses as an error, and tests provoke many.
		Logger:    slog.New(slog.DiscardHandler),
		Handler:   "sqlite",
		SQLiteURL: "file:" + strings.TrimSuffix(dir, "/") + "/",
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = db.Run(ctx) // it always returns nil
	}()
	defer func() {
		cancel()
		<-stopped
	}()
	behind, err := url.Parse(db.MongoDBURI())
	if err != nil {
		return err
	}

	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(stdout, listener.Addr()); err != nil {
		return fmt.Errorf("print the address: %w", err)
	}
	ended := make(chan error, 2)
	front := front{behind: behind.Host}
	go func() { ended <- front.serve(listener) }()
	go func() {
		_, err := io.Copy(io.Discard, stdin)
		ended <- err
	}()
	return <-ended
}
