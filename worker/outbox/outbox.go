// Package outbox keeps a device's reports in order until the broker has acknowledged them.
//
// Each report is a file of its own, written as package durable does. The file's name is the report's place in the line and the
// checksum of its content, which is the report and nothing else: a file that a power cut or the disk has damaged is told by its name.
package outbox

import (
	"hash/crc32"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"muster/topics"
)

// Bounds of an outbox.
const (
	// MaxReports is how many reports wait at most.
	MaxReports = 1000
	// DefaultSize and MinSize are bytes for [Open]. The smallest has room for two reports of any size.
	DefaultSize = 8_000_000
	MinSize     = 2 * topics.MaxPayload
	// maxHeld is how many bytes of reports are held in memory while the disk does not take them.
	maxHeld = 256 << 10
	// block is what the sizes of files are rounded up to, as most file systems do.
	block = 4 << 10
)

// An Outbox is made by [Open]. It is the only user of its directory. Its methods may be called at the same time.
type Outbox struct {
	dir  string
	size int64
	log  *slog.Logger

	mu      sync.Mutex
	made    bool    // the directory is there
	waiting []entry // oldest first
	bytes   int64   // what they take of the disk, or would
	held    int     // bytes of those that the disk has not taken
	place   int64   // of the last one
	// dropped counts the reports that were lost, and saved is what the disk says of that.
	dropped, saved int64
}

// A Report is the first in the line.
type Report struct {
	Payload []byte
	place   int64
}

// An entry is one that waits.
type entry struct {
	place int64
	sum   uint32
	bytes int
	// payload is the report while the disk does not have it, else nil.
	payload []byte
	// failures counts the attempts to read it.
	failures int
}

// room is how many bytes it takes of the disk.
func (e entry) room() int64 { return int64(max(1, (e.bytes+block-1)/block)) * block }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Add puts a report at the end of the line. Where there is no room for it, the oldest go, and are counted. An error says that
// the report is not on the disk: it is held in memory then, and written by a later Add or [Outbox.Save]. The payload must not be
// changed afterwards.
func (o *Outbox) Add(payload []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.place++
	e := entry{place: o.place, sum: crc32.Checksum(payload, castagnoli), bytes: len(payload), payload: payload}
	o.waiting = append(o.waiting, e)
	o.bytes += e.room()
	o.held += e.bytes
	o.fit()
	return o.save()
}

// First gives the oldest report; nil when none waits. An error is one that may pass; a report that cannot be read
// any more is dropped, and counted.
func (o *Outbox) First() (*Report, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.waiting) > 0 {
		e := &o.waiting[0]
		payload, err := o.read(e)
		if err == nil {
			return &Report{payload, e.place}, nil
		}
		if e.failures++; !lost(err) && e.failures < readTries {
			return nil, err
		}
		o.log.Warn("a report that waited to be acknowledged cannot be read and is lost", "file", e.name(), "error", err)
		o.drop(0)
		o.count()
	}
	return nil, nil
}

// Remove takes a report out of the line, because the broker has it or will never take it.
func (o *Outbox) Remove(r *Report) {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.IndexFunc(o.waiting, func(e entry) bool { return e.place == r.place })
	if i >= 0 {
		o.remove(i)
	}
}

// Len is how many reports wait.
func (o *Outbox) Len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.waiting)
}

// Dropped counts the reports that were lost since the state directory was made: because there was no room for
// them, or because they could not be read any more.
func (o *Outbox) Dropped() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.dropped
}

// fit drops the oldest reports until the others are within the bounds.
func (o *Outbox) fit() {
	before := o.dropped
	for len(o.waiting) > MaxReports || o.bytes > o.size {
		o.drop(0)
	}
	for o.held > maxHeld {
		o.drop(slices.IndexFunc(o.waiting, func(e entry) bool { return e.payload != nil }))
	}
	if o.dropped != before {
		o.log.Warn("there is no room for more reports; the oldest that were not acknowledged are dropped", "dropped", o.dropped-before, "waiting", len(o.waiting))
	}
}

func (o *Outbox) drop(i int) {
	o.remove(i)
	o.dropped++
}

func (o *Outbox) remove(i int) {
	e := o.waiting[i]
	o.waiting = slices.Delete(o.waiting, i, i+1)
	o.bytes -= e.room()
	path := filepath.Join(o.dir, e.name())
	if e.payload != nil {
		o.held -= e.bytes
		_ = os.Remove(path) // it is there if only the directory could not be synced
		return
	}
	o.unlink(path)
}
