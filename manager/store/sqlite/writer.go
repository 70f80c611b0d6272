package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"modernc.org/sqlite"
)

// maxBatch is how many writes are committed together at most. It bounds how long the first one waits.
const maxBatch = 256

// A writer is the one goroutine that writes. While it commits, further writes queue up; it then takes all
// of them into the next transaction, so that the flush to the disk, which costs more than all else, is
// shared by everyone who waits for it.
type writer struct {
	file  file
	db    *sql.DB
	batch int
	log   *slog.Logger
	queue chan *write
	done  chan struct{}
	// failing says that the last batch failed because of the file or the disk.
	failing atomic.Bool
}

// A write is one call that waits for its commit.
type write struct {
	run   func(context.Context, *sql.Tx) error
	taken atomic.Bool
	// answer has room for one, so that the writer never waits.
	answer chan error
	err    error
}

// take claims the write, for the writer to run it or for the caller to give up. One of them gets true.
func (w *write) take() bool { return w.taken.CompareAndSwap(false, true) }

func startWriter(f file, db *sql.DB, batch int, log *slog.Logger) *writer {
	w := &writer{
		file: f, db: db, batch: batch, log: log,
		queue: make(chan *write, batch), done: make(chan struct{}),
	}
	go w.loop()
	return w
}

// close waits for the goroutine to end. There must be no call of do under way or to come.
func (w *writer) close() error {
	close(w.queue)
	<-w.done
	return w.db.Close()
}

// do queues f and waits until it is committed or has failed. It returns early when ctx ends before the
// writer has begun with it; f is not run then.
func (w *writer) do(ctx context.Context, f func(context.Context, *sql.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	one := &write{run: f, answer: make(chan error, 1)}
	select {
	case w.queue <- one:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-one.answer:
		return err
	case <-ctx.Done():
		if one.take() {
			return ctx.Err()
		}
		return <-one.answer
	}
}

func (w *writer) loop() {
	defer close(w.done)
	for one := range w.queue {
		batch := w.gather(one)
		if len(batch) == 0 {
			continue
		}
		w.note(w.commitAll(batch))
		for _, one := range batch {
			one.answer <- one.err
		}
	}
}

// commitAll commits a batch together, or each write alone when that fails: one that does not fit on the
// disk, or hits a damaged page, must not take the others with it. It returns the last failure.
func (w *writer) commitAll(batch []*write) error {
	err := w.commit(batch)
	if err == nil || len(batch) == 1 || isBusy(err) {
		return err
	}
	err = nil
	for _, one := range batch {
		if failed := w.commit([]*write{one}); failed != nil {
			err = failed
		}
	}
	return err
}

// gather takes what has queued up behind the first write and has not been given up.
func (w *writer) gather(first *write) []*write {
	var batch []*write
	if first.take() {
		batch = append(batch, first)
	}
	for len(batch) < w.batch {
		select {
		case one, open := <-w.queue:
			if !open {
				return batch
			}
			if one.take() {
				batch = append(batch, one)
			}
		default:
			return batch
		}
	}
	return batch
}

// commit runs a batch in one transaction and sets the error of each write: its own when it refused, and
// when the file or the disk fails the one that commit returns, for nothing is committed then.
func (w *writer) commit(batch []*write) (err error) {
	defer func() {
		if err != nil {
			for _, one := range batch {
				one.err = err
			}
		}
	}()
	if err := w.file.check(); err != nil {
		return err
	}
	ctx := context.Background() // what has begun is finished; the busy timeout bounds it
	tx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	for _, one := range batch {
		if one.err, err = runOne(ctx, tx, one.run); err != nil {
			// SQLite may have ended the transaction already; that Rollback then fails does not matter.
			_ = tx.Rollback()
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// runOne runs one write in a savepoint, so that nothing of it remains when it refuses. An error of SQLite
// itself is fatal to the transaction.
func runOne(ctx context.Context, tx *sql.Tx, run func(context.Context, *sql.Tx) error) (refused, fatal error) {
	if _, err := tx.ExecContext(ctx, `SAVEPOINT one`); err != nil {
		return nil, fmt.Errorf("savepoint: %w", err)
	}
	refused = run(ctx, tx)
	if _, failed := errors.AsType[*sqlite.Error](refused); failed {
		return nil, refused
	}
	if refused != nil {
		if _, err := tx.ExecContext(ctx, `ROLLBACK TO one`); err != nil {
			return nil, fmt.Errorf("roll back: %w", err)
		}
	}
	if _, err := tx.ExecContext(ctx, `RELEASE one`); err != nil {
		return nil, fmt.Errorf("release: %w", err)
	}
	return refused, nil
}

// note remembers whether writes fail, and logs when that changes.
func (w *writer) note(err error) {
	failing := err != nil
	if w.failing.Swap(failing) == failing {
		return
	}
	if failing {
		w.log.Error("store cannot be written", "error", w.file.explain(err))
	} else {
		w.log.Info("store can be written again")
	}
}
