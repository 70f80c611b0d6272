package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"muster/topics"
	"muster/worker"
	"muster/worker/enginetest"
)

// A hanging link keeps the worker's loop from going on while it is locked.
type hangingLink struct{ sync.Mutex }

func (l *hangingLink) Configs() <-chan worker.Offered {
	l.Lock()
	defer l.Unlock()
	return nil
}
func (*hangingLink) SetReport(topics.Report)       {}
func (*hangingLink) Have(topics.Version)           {}
func (*hangingLink) Progress(topics.Progress)      {}
func (*hangingLink) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// notified is the socket that systemd would listen on.
func notified(t *testing.T) *net.UnixConn {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify") //nolint:usetesting // a socket's path may not be long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "notify.sock")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return socket
}

// hear is what systemd is told within that time; empty when it is nothing.
func hear(t *testing.T, socket *net.UnixConn, within time.Duration) string {
	t.Helper()
	if err := socket.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 100)
	n, err := socket.Read(said)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	return string(said[:n])
}

// Systemd hears that the worker is ready, that it goes on for as long as its loop does, and that it stops.
func TestSystemdMissesALoopThatHangs(t *testing.T) {
	const patience = 30 * time.Second
	socket := notified(t)
	t.Setenv("WATCHDOG_USEC", "150000")
	ctx, cancel := context.WithCancel(t.Context())
	s, err := newSystemd(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	link := &hangingLink{}
	w, err := worker.New(worker.Options{
		Group: "g", StateDir: t.TempDir(), Engine: enginetest.NewMachine().Engine("d"), Link: link, Beat: s.beat, BeatEvery: s.every,
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()

	if said := hear(t, socket, patience); said != "READY=1" {
		t.Fatalf("told %q at first, want READY=1", said)
	}
	for range 5 {
		if said := hear(t, socket, patience); said != "WATCHDOG=1" {
			t.Fatalf("told %q, want WATCHDOG=1", said)
		}
	}
	link.Lock()
	for i := 0; hear(t, socket, time.Second) != ""; i++ { // at most what was said before it hung
		if i == 2 {
			t.Fatal("a loop that hangs is not missed")
		}
	}
	link.Unlock()
	if said := hear(t, socket, patience); said != "WATCHDOG=1" {
		t.Errorf("told %q by a loop that goes on again, want WATCHDOG=1", said)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	said := ""
	for said != "STOPPING=1" {
		if said = hear(t, socket, patience); said == "" {
			t.Fatal("systemd is not told that the worker stops")
		}
	}
}

func TestSystemdThatDoesNotWatch(t *testing.T) {
	socket := notified(t)
	s, err := newSystemd(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.beat()
	s.beat()
	if said := hear(t, socket, time.Second); said != "READY=1" {
		t.Errorf("told %q, want READY=1", said)
	}
	if said := hear(t, socket, 100*time.Millisecond); said != "" {
		t.Errorf("told %q, and had not asked", said)
	}
	t.Setenv("WATCHDOG_USEC", "soon")
	if _, err := newSystemd(t.Context(), s.log); err == nil {
		t.Error("a watchdog time that is none is taken")
	}
}
