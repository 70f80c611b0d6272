package outbox

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"muster/worker/durable"
)

// droppedFile holds how many reports were lost.
const droppedFile = "dropped"

// readTries is how often a report is read that cannot be, for a reason that may pass.
const readTries = 5

// errDamaged says that a file is not what was written.
var errDamaged = errors.New("its content is not what was written")

// lost reports whether an error means that a report is gone for good.
func lost(err error) bool { return errors.Is(err, errDamaged) || errors.Is(err, fs.ErrNotExist) }

// Open finds the reports that wait in a directory, which is made when the first one comes. They take at most size bytes of
// the disk. What is wrong with the directory is logged: the worker has more to do than to report, and can do so from memory.
func Open(dir string, size int64, log *slog.Logger) *Outbox {
	o := &Outbox{dir: dir, size: max(size, MinSize), log: log}
	found, stale, err := scan(dir)
	if err != nil {
		log.Warn("reports that wait to be acknowledged cannot be looked for", "error", err)
	}
	for _, path := range stale {
		o.unlink(path)
	}
	o.waiting = found
	for _, e := range found {
		o.bytes += e.room()
		o.place = e.place
	}
	if o.dropped, err = readDropped(dir); err != nil {
		log.Warn("how many reports were lost is not known any more", "error", err)
	}
	o.saved = o.dropped
	o.fit()
	o.count()
	return o
}

// scan finds the reports that wait, in their order, and what was being written when the worker or the machine died.
func scan(dir string) (waiting []entry, stale []string, err error) {
	files, err := os.ReadDir(dir) // in the order of their names, which is that of the line
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".tmp") {
			stale = append(stale, filepath.Join(dir, f.Name()))
			continue
		}
		e, ok := parse(f.Name())
		if info, err := f.Info(); ok && err == nil && info.Mode().IsRegular() {
			e.bytes = int(info.Size())
			waiting = append(waiting, e)
		}
	}
	return waiting, stale, err
}

// A Count says how an outbox is.
type Count struct {
	// Waiting is how many reports wait to be acknowledged, and Dropped how many were lost; see [Outbox.Dropped].
	Waiting int   `json:"waiting"`
	Dropped int64 `json:"dropped"`
}

// Look counts what is in a directory, which may be in use. What cannot be read is not counted.
func Look(dir string) Count {
	waiting, _, _ := scan(dir)
	dropped, _ := readDropped(dir)
	return Count{len(waiting), dropped}
}

// name is that of its file.
func (e entry) name() string { return fmt.Sprintf("%016d-%08x.json", e.place, e.sum) }

// parse reads a file's name.
func parse(name string) (entry, bool) {
	place, sum, _ := strings.Cut(strings.TrimSuffix(name, ".json"), "-")
	p, err := strconv.ParseInt(place, 10, 64)
	if err != nil {
		return entry{}, false
	}
	s, err := strconv.ParseUint(sum, 16, 32)
	e := entry{place: p, sum: uint32(s)}
	return e, err == nil && p > 0 && e.name() == name
}

// read gives a report that waits.
func (o *Outbox) read(e *entry) ([]byte, error) {
	if e.payload != nil {
		return e.payload, nil
	}
	payload, err := os.ReadFile(filepath.Join(o.dir, e.name()))
	if err == nil && crc32.Checksum(payload, castagnoli) != e.sum {
		err = errDamaged
	}
	return payload, err
}

// Save writes what the disk has not taken yet.
func (o *Outbox) Save() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.save()
}

// Unsaved reports whether there is anything that the disk has not taken yet.
func (o *Outbox) Unsaved() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.held > 0
}

func (o *Outbox) save() error {
	for i := range o.waiting {
		e := &o.waiting[i]
		if e.payload == nil {
			continue
		}
		if err := o.write(e.name(), e.payload); err != nil {
			return fmt.Errorf("keep a report on the disk: %w", err)
		}
		o.held -= e.bytes
		e.payload = nil
	}
	o.count()
	return nil
}

// count writes how many reports were lost. Should that fail, the next save does it.
func (o *Outbox) count() {
	if o.dropped == o.saved {
		return
	}
	if err := o.write(droppedFile, strconv.AppendInt(nil, o.dropped, 10)); err == nil {
		o.saved = o.dropped
	}
}

// readDropped is how many reports were lost, as far as that was written down.
func readDropped(dir string) (int64, error) {
	path := filepath.Join(dir, droppedFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(string(data), 10, 63)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", path, err)
	}
	return int64(n), nil //nolint:gosec // 63 bits
}

// write makes a file last, and the directory where it is missing.
func (o *Outbox) write(name string, data []byte) error {
	if !o.made {
		if err := durable.MakeDir(o.dir); err != nil {
			return err
		}
		o.made = true
	}
	err := durable.WriteFile(filepath.Join(o.dir, name), data)
	if errors.Is(err, fs.ErrNotExist) {
		o.made = false // somebody has removed it
	}
	return err
}

// unlink removes a file. One that stays is sent once more after the next start, and is at worst a report that came twice.
func (o *Outbox) unlink(path string) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		o.log.Warn("a file of a report cannot be removed", "error", err)
	}
}
