// Package spool keeps reports on the disk from their acknowledgement until every sink has them.
//
// It is one file of go.etcd.io/bbolt: records by their offset, and a cursor for each sink. One goroutine writes: whatever came
// while it was writing goes into its next transaction, together with the cursors that moved and the removal of what every sink
// has done. See docs/decisions/bridge.md.
package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	bolt "go.etcd.io/bbolt"

	"muster/bridge"
)

// DefaultSize is the default of [Options].
const DefaultSize = 1 << 30

// MinSize is the least that [Options] may say, in bytes.
const MinSize = 1 << 20

// Options say where a spool is, and for whom. Path and Sinks are required.
type Options struct {
	// Path is of its file, which is made when there is none.
	Path string
	// Size is how much of the disk it may take in bytes, by default [DefaultSize]; it takes up to 16 MiB more while it makes room.
	Size int64
	// Sinks are the names of those who read. One that was not there before starts with the oldest record that is kept; what
	// one that is there no more has not done is not kept for it.
	Sinks []string
	// Log is where it is noted that records are given up or damaged; by default nowhere.
	Log *slog.Logger
}

// A Spool is an open one. Its methods may be called from several goroutines.
type Spool struct {
	db   *bolt.DB
	id   string
	size int64
	log  *slog.Logger
	// wake tells the writer that there is something to do; ended is closed when it has returned.
	wake, ended chan struct{}

	mu      sync.Mutex
	closing bool
	err     error // why the spool can be used no more
	waiting []*appending
	// waitingBytes is the size of what waits.
	waitingBytes int64
	cursors      map[string]uint64
	// moved says that the cursors differ from those on the disk.
	moved bool
	// first to last are the records there are; none when first is last+1. They are contiguous.
	first, last uint64
	// used and unused are bytes of the file.
	used, unused int64
	// grown is closed, and replaced, when last rises or the spool ends.
	grown chan struct{}
	// full is why nothing is appended until fullUntil.
	full      error
	fullUntil time.Time
	// written is when the last transaction ended, and resting says that the writer will be woken for the next one.
	written time.Time
	resting bool

	// total is how many bytes of records were appended, counted from some start; only used by the writer.
	total int64
}

var (
	records = []byte("records")
	cursors = []byte("cursors")
	about   = []byte("spool")
	idKey   = []byte("id")
)

// ErrClosed says that the spool is closed.
var ErrClosed = errors.New("the spool of reports is closed")

func key(offset uint64) []byte { return binary.BigEndian.AppendUint64(nil, offset) }

// Open opens the spool, or makes it. It fails when another process has it open, or when the file is damaged.
func Open(o Options) (*Spool, error) {
	if o.Size == 0 {
		o.Size = DefaultSize
	}
	if o.Size < MinSize {
		return nil, fmt.Errorf("spool-size: must be at least %d bytes, is %d", MinSize, o.Size)
	}
	if len(o.Sinks) == 0 {
		return nil, errors.New("spool of reports: nobody reads it")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	db, err := open(o.Path)
	if err != nil {
		return nil, fmt.Errorf("spool of reports: %w", err)
	}
	s := &Spool{
		db: db, size: o.Size, log: o.Log, wake: make(chan struct{}, 1), ended: make(chan struct{}),
		cursors: map[string]uint64{}, grown: make(chan struct{}),
	}
	if err := db.Update(func(tx *bolt.Tx) error { return s.load(tx, o.Sinks) }); err != nil {
		return nil, errors.Join(fmt.Errorf("spool of reports: %s: %w", o.Path, err), db.Close())
	}
	s.used, s.unused = s.measure()
	go s.run()
	s.poke() // what nobody is left to read goes
	return s, nil
}

// load reads what is on the disk, and makes what is not.
func (s *Spool) load(tx *bolt.Tx, sinks []string) error {
	kept, err := tx.CreateBucketIfNotExists(records)
	if err != nil {
		return err
	}
	known, err := tx.CreateBucketIfNotExists(cursors)
	if err != nil {
		return err
	}
	facts, err := tx.CreateBucketIfNotExists(about)
	if err != nil {
		return err
	}
	if s.id = string(facts.Get(idKey)); s.id == "" {
		s.id = ulid.Make().String()
		if err := facts.Put(idKey, []byte(s.id)); err != nil {
			return err
		}
	}
	s.last = kept.Sequence()
	s.first = s.last + 1
	if k, _ := kept.Cursor().First(); k != nil {
		s.first = binary.BigEndian.Uint64(k)
	}
	s.total = total(kept.Get(key(s.last)))
	return s.loadCursors(known, sinks)
}

// loadCursors keeps those of sinks that there are, and only those.
func (s *Spool) loadCursors(known *bolt.Bucket, sinks []string) error {
	for _, sink := range sinks {
		s.cursors[sink] = s.first - 1
		if at := known.Get([]byte(sink)); len(at) == 8 {
			s.cursors[sink] = binary.BigEndian.Uint64(at)
		}
		if err := known.Put([]byte(sink), key(s.cursors[sink])); err != nil {
			return err
		}
	}
	var gone [][]byte
	err := known.ForEach(func(sink, at []byte) error {
		if _, there := s.cursors[string(sink)]; !there && len(at) == 8 {
			gone = append(gone, sink)
			if left := s.last - binary.BigEndian.Uint64(at); left > 0 {
				s.log.Warn("reports that a sink has not got are not kept for it any more: it is not configured", "sink", string(sink), "reports", left)
			}
		}
		return nil
	})
	for _, sink := range gone {
		err = errors.Join(err, known.Delete(sink))
	}
	return err
}

// ID names this spool and no other: a ULID made with its file.
func (s *Spool) ID() string { return s.id }

// Close writes what waits and closes the file. Later calls of Append fail with [ErrClosed].
func (s *Spool) Close() error {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	s.poke()
	<-s.ended
	return s.db.Close()
}

func (s *Spool) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

var _ bridge.Spool = (*Spool)(nil)
