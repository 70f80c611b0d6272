package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"muster/manager/store"
)

// block has the writer wait in a write of its own until the returned function is called, so that other
// writes queue up behind it.
func block(t *testing.T, s *Store) (release func()) {
	entered, leave := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := s.write(context.Background(), func(context.Context, *sql.Tx) error {
			close(entered)
			<-leave
			return nil
		})
		if err != nil {
			t.Errorf("blocking write: %v", err)
		}
	})
	<-entered
	return func() {
		close(leave)
		wg.Wait()
	}
}

// TestQueuedWritesShareACommit queues writes, some of which refuse, and counts the transactions they run in.
func TestQueuedWritesShareACommit(t *testing.T) {
	s := mustOpen(t, path(t))
	release := block(t, s)
	const writes = 50
	refusal := errors.New("no")
	var transactions sync.Map
	errs := make([]error, writes)
	var wg sync.WaitGroup
	for i := range writes {
		wg.Go(func() {
			errs[i] = s.write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
				transactions.Store(tx, true)
				_, err := tx.ExecContext(ctx, `INSERT INTO apps (name, doc) VALUES (?, '{}')`, fmt.Sprintf("%02d", i))
				if err == nil && i%5 == 0 {
					return refusal
				}
				return err
			})
		})
	}
	until(t, "writes queue up", func() bool { return len(s.writer.queue) == writes })
	release()
	wg.Wait()
	shared := 0
	transactions.Range(func(any, any) bool { shared++; return true })
	if shared != 1 {
		t.Errorf("%d writes took %d transactions, want 1", writes, shared)
	}
	names, err := s.Apps().Names(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(names) != writes-writes/5 {
		t.Errorf("%d writes had an effect, want %d", len(names), writes-writes/5)
	}
	for i, err := range errs {
		if want := i%5 == 0; errors.Is(err, refusal) != want || !want && err != nil {
			t.Errorf("write %d: got %v", i, err)
		}
	}
}

// TestBrokenWriteDoesNotSpoilOthers has one write of a batch fail in a way that ends the transaction.
func TestBrokenWriteDoesNotSpoilOthers(t *testing.T) {
	s := mustOpen(t, path(t))
	release := block(t, s)
	const writes = 10
	errs := make([]error, writes)
	var wg sync.WaitGroup
	for i := range writes {
		wg.Go(func() {
			if i == 4 {
				errs[i] = s.write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
					_, err := tx.ExecContext(ctx, `INSERT INTO apps (name, doc) VALUES ('broken', '{}'); ROLLBACK; no sql`)
					return err
				})
				return
			}
			errs[i] = s.Snapshots().Append(t.Context(), snap("g", int64(i+1), 10))
		})
	}
	until(t, "writes queue up", func() bool { return len(s.writer.queue) == writes })
	release()
	wg.Wait()
	for i, err := range errs {
		if (err != nil) != (i == 4) {
			t.Errorf("write %d: got %v", i, err)
		}
	}
	history, err := s.Snapshots().History(t.Context(), "g", 0, 100)
	if err != nil || len(history) != writes-1 {
		t.Errorf("got %d snapshots (%v), want %d", len(history), err, writes-1)
	}
	if _, err := s.Apps().Get(t.Context(), "broken"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the broken write left something: %v", err)
	}
}

// TestGivingUpInTheQueue cancels a call whose write has not begun, and one whose write has.
func TestGivingUpInTheQueue(t *testing.T) {
	s := mustOpen(t, path(t))
	release := block(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Snapshots().Append(ctx, snap("queued", 1, 1)) }()
	until(t, "the write is queued", func() bool { return len(s.writer.queue) == 1 })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("in the queue: got %v, want context.Canceled", err)
	}
	release()

	ctx, cancel = context.WithCancel(t.Context())
	err := s.write(ctx, func(writing context.Context, tx *sql.Tx) error {
		cancel()
		_, err := tx.ExecContext(writing, `INSERT INTO apps (name, doc) VALUES ('begun', '{}')`)
		return err
	})
	if err != nil {
		t.Errorf("a write that has begun: got %v, want it finished", err)
	}
	if names, err := s.Apps().Names(t.Context()); err != nil || len(names) != 1 {
		t.Errorf("a write that has begun left %v, %v", names, err)
	}
	if _, err := s.Snapshots().Latest(t.Context(), "queued"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a write that was given up: got %v, want ErrNotFound", err)
	}
}

// TestBusy has another connection, as another process would, hold the file for too long and for less.
func TestBusy(t *testing.T) {
	p := path(t)
	s, err := Open(t.Context(), Options{Path: p, Log: discard, BusyTimeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	other := mustOpen(t, p)
	release := block(t, other)
	if err := s.Snapshots().Append(t.Context(), snap("g", 1, 1)); !isBusy(err) {
		t.Errorf("held for too long: got %v, want busy", err)
	} else if !containsAll(err.Error(), p, "another process") {
		t.Errorf("the error does not say what to do: %v", err)
	}
	if heads, err := s.Snapshots().Heads(t.Context()); err != nil || len(heads) != 0 {
		t.Errorf("reading while another process writes: %v, %v", heads, err)
	}
	release()
	if err := s.Snapshots().Append(t.Context(), snap("g", 1, 1)); err != nil {
		t.Errorf("after it was released: %v", err)
	}

	patient := mustOpen(t, p)
	release = block(t, other)
	done := make(chan error)
	go func() { done <- patient.Snapshots().Append(t.Context(), snap("g", 2, 1)) }()
	until(t, "the write has begun", func() bool { return len(patient.writer.queue) == 0 })
	release()
	if err := <-done; err != nil {
		t.Errorf("held for less than the timeout: %v", err)
	}
}

// TestWritesAreFlushed checks what a killed process cannot: that a commit is flushed to the disk, which
// SQLite does in write-ahead logging only when it is told to.
func TestWritesAreFlushed(t *testing.T) {
	s := mustOpen(t, path(t))
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		if err := s.writer.db.QueryRowContext(t.Context(), `PRAGMA `+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", pragma, got, err, want)
		}
	}
}

// TestReadInterrupted ends a context while a read is under way.
func TestReadInterrupted(t *testing.T) {
	s := mustOpen(t, path(t))
	for range readers + 1 { // a connection that was interrupted must not be lost to the pool
		ctx, cancel := context.WithCancel(t.Context())
		err := s.read(func(db *sql.DB) error {
			time.AfterFunc(10*time.Millisecond, cancel)
			var n int64
			return db.QueryRowContext(ctx, `WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c`).Scan(&n)
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestReadCutShort has a query fail after its first row: what it gave until then is not the whole.
func TestReadCutShort(t *testing.T) {
	s := mustOpen(t, path(t))
	rows := 0
	err := each(t.Context(), s.reads, `SELECT json(value) FROM json_each('["1","{"]')`, func(*sql.Rows) error { rows++; return nil })
	if err == nil || rows != 1 {
		t.Errorf("got %d rows, %v, want one and an error", rows, err)
	}
}

// TestReadersDoNotWrite is about a write that goes past the writer.
func TestReadersDoNotWrite(t *testing.T) {
	s := mustOpen(t, path(t))
	if _, err := s.reads.ExecContext(t.Context(), `INSERT INTO apps (name, doc) VALUES ('a', '{}')`); err == nil {
		t.Error("a connection of the readers has written")
	}
}

// TestLogsFailWhole has SQLite refuse the second of three rows: the call says so, and leaves none of them.
func TestLogsFailWhole(t *testing.T) {
	p := path(t)
	s := mustOpen(t, p)
	const odd = "65f0c0ffee00000000000002"
	for _, table := range []string{"reports", "audit"} {
		if err := tamper(t.Context(), p, `CREATE TRIGGER no_`+table+` BEFORE INSERT ON `+table+` WHEN new.id = '`+odd+`'
			BEGIN SELECT RAISE(ABORT, 'not this one'); END`); err != nil {
			t.Fatal(err)
		}
	}
	var batch []store.Report
	for n := range 3 {
		batch = append(batch, store.Report{ID: fmt.Sprintf("65f0c0ffee%014d", n+1), Doc: []byte(`{}`)})
	}
	for what, err := range map[string]error{
		"add":    s.Reports().Add(t.Context(), batch),
		"append": s.Audit().Append(t.Context(), store.AuditEntry{ID: odd}),
	} {
		if err == nil || !containsAll(err.Error(), p, "not this one") {
			t.Errorf("%s: got %v", what, err)
		}
	}
	if page, err := s.Reports().Page(t.Context(), store.ReportQuery{}, 10); err != nil || len(page) != 0 {
		t.Errorf("a failed batch left %v, %v", page, err)
	}
	if err := s.Reports().Add(t.Context(), []store.Report{batch[0], batch[2]}); err != nil {
		t.Errorf("without the odd one: %v", err)
	}
}
