package mongo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster/manager/store"
	"muster/test/rig"
	"muster/topics"
)

func open(t *testing.T, o Options) *Store {
	t.Helper()
	o.Log = discard
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func snap(group string, configID int64, size int) store.Snapshot {
	return store.Snapshot{
		Head:    store.Head{DeviceGroup: group, Version: topics.Version{Epoch: "01ARZ3NDEKTSV4RRFFQ69G5FAV", ConfigID: configID}, At: time.UnixMilli(0).UTC()},
		Payload: []byte(strings.Repeat("x", size)),
	}
}

// TestKill kills the server again and again while writers append and change. Whoever tries again gets through,
// and nothing that was acknowledged is lost.
func TestKill(t *testing.T) {
	server := rig.FerretDB(t)
	s := open(t, Options{URL: server.URL() + "?serverSelectionTimeoutMS=200", Timeout: 10 * time.Second})
	if err := s.Apps().Create(t.Context(), topics.NewApp("counter", "i")); err != nil {
		t.Fatal(err)
	}
	const writers, kills = 4, 3
	var failed, acknowledged, changed atomic.Int64
	last := make([]int64, writers)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			group := fmt.Sprint("group-", w)
			for id := int64(1); ctx.Err() == nil; {
				err := s.Snapshots().Append(ctx, snap(group, id, 500))
				switch {
				case err == nil:
					last[w] = id
					acknowledged.Add(1)
					id++
				case errors.Is(err, store.ErrConflict): // it was written before the connection was lost
					id++
				default:
					failed.Add(1)
				}
				if _, err := s.Apps().Modify(ctx, "counter", func(a *topics.App) error { a.AppID++; return nil }); err == nil {
					changed.Add(1)
				}
			}
		})
	}
	for range kills {
		until(t, "writes go on", atLeast(&acknowledged, acknowledged.Load()+20))
		server.Kill()
		until(t, "writes fail", atLeast(&failed, failed.Load()+1))
		server.Start()
	}
	until(t, "writes go on after the last kill", atLeast(&acknowledged, acknowledged.Load()+20))
	stop()
	all.Wait()
	for w, id := range last {
		if _, err := s.Snapshots().Get(t.Context(), fmt.Sprint("group-", w), id); err != nil {
			t.Errorf("group-%d: snapshot %d was acknowledged: %v", w, id, err)
		}
	}
	if app, err := s.Apps().Get(t.Context(), "counter"); err != nil || app.AppID < 1+changed.Load() {
		t.Errorf("app_id is %d, %v, but %d changes were acknowledged", app.AppID, err, changed.Load())
	}
}

func atLeast(n *atomic.Int64, limit int64) func() bool {
	return func() bool { return n.Load() >= limit }
}

// until waits for a condition.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: it has not come to that", what)
		}
	}
}

// A frozen proxy passes everything on until it is told not to: then it keeps connections open and silent.
type frozen struct {
	addr   string
	silent atomic.Bool
	held   sync.Mutex // by whoever has answers wait
}

func freezable(t *testing.T, behind string) *frozen {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	f := &frozen{addr: listener.Addr().String()}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", behind)
			if err != nil {
				_ = client.Close()
				continue
			}
			go f.copy(server, client, func() {})
			go f.copy(client, server, func() {
				f.held.Lock()
				defer f.held.Unlock()
			})
		}
	}()
	return f
}

// copy passes on what wait, called before each piece, lets through.
func (f *frozen) copy(to io.WriteCloser, from io.Reader, wait func()) {
	defer to.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if f.silent.Load() {
			continue
		}
		wait()
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// TestHang has the server take requests and answer none: every call ends, with an error that says so.
func TestHang(t *testing.T) {
	server := rig.FerretDB(t)
	proxy := freezable(t, server.Addr())
	const limit = 300 * time.Millisecond
	s := open(t, Options{URL: "mongodb://" + proxy.addr + "/nebula", Timeout: 10 * time.Second})
	s.timeout = limit
	proxy.silent.Store(true)
	ctx := t.Context()
	for what, call := range map[string]func() error{
		"ping":    func() error { return s.Ping(ctx) },
		"names":   func() error { _, err := s.Apps().Names(ctx); return err },
		"all":     func() error { _, err := s.Apps().All(ctx); return err },
		"create":  func() error { return s.Apps().Create(ctx, topics.NewApp("a", "i")) },
		"modify":  func() error { _, err := s.Apps().Modify(ctx, "a", func(*topics.App) error { return nil }); return err },
		"delete":  func() error { return s.Apps().Delete(ctx, "a") },
		"append":  func() error { return s.Snapshots().Append(ctx, snap("g", 1, 1)) },
		"heads":   func() error { _, err := s.Snapshots().Heads(ctx); return err },
		"audit":   func() error { return s.Audit().Append(ctx, store.AuditEntry{ID: "1"}) },
		"reports": func() error { _, err := s.Reports().Page(ctx, store.ReportQuery{}, 1); return err },
	} {
		done := make(chan error, 1)
		go func() { done <- call() }()
		select {
		case err := <-done:
			if !errors.Is(err, errHangs) || !strings.Contains(err.Error(), "store mongodb://"+proxy.addr+"/nebula: ") {
				t.Errorf("%s: got %v, want an error that says so and names the store", what, err)
			}
			if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrExists) {
				t.Errorf("%s: silence is taken for an answer: %v", what, err)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s: it hangs", what)
		}
	}
	proxy.silent.Store(false)
	s.timeout = 10 * time.Second
	until(t, "it works again", func() bool { return s.Ping(ctx) == nil })
}

// TestReplacedDatabase drops the database under a running manager.
func TestReplacedDatabase(t *testing.T) {
	url := rig.MongoDB(t)
	s := open(t, Options{URL: url})
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := database(t, url).Drop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, errReplaced) {
		t.Errorf("dropped: got %v", err)
	}
	open(t, Options{URL: url})
	if err := s.Ping(t.Context()); !errors.Is(err, errReplaced) {
		t.Errorf("made anew by another manager: got %v", err)
	}
}
