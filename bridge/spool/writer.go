package spool

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"

	"muster/bridge"
)

const (
	// maxCommit is about how many bytes one transaction writes, so that none takes long.
	maxCommit = 4 << 20
	// maxRemoved is how many records one transaction removes, for the same reason.
	maxRemoved = 2000
	// tidyPause is how long cursors and removals wait for a report to share a transaction with. Those that a crash forgets are
	// only done again.
	tidyPause = 100 * time.Millisecond
	// fullPause is how long nothing is appended after there was no room: on a full disk each try makes bbolt look at its whole
	// file, and what a publisher sent behind a report that was refused is not to be taken before it comes again.
	fullPause = time.Second
)

// run writes until the spool is closed or the disk fails.
func (s *Spool) run() {
	defer close(s.ended)
	for range s.wake {
		for s.work() {
		}
		s.mu.Lock()
		over := s.closing || s.err != nil
		if over {
			close(s.grown)
			s.grown = nil
		}
		s.mu.Unlock()
		if over {
			return
		}
	}
}

// A change is what one transaction writes.
type change struct {
	appends []*appending
	cursors map[string]uint64 // nil when none has moved
	// from and below are the records to remove.
	from, below uint64
}

// work does one transaction, and reports whether there may be more to do.
func (s *Spool) work() bool {
	s.mu.Lock()
	c := s.nextChange()
	s.mu.Unlock()
	room, full := s.room()
	if fits := fit(c.appends, room); fits < len(c.appends) {
		s.refuse(c.appends[fits:], full)
		c.appends = c.appends[:fits]
	}
	if len(c.appends) == 0 && c.cursors == nil && c.from == c.below {
		return false
	}
	last, total, err := s.commit(c)
	if err != nil {
		return s.failed(c, err)
	}
	s.total = total
	used, unused := s.measure()
	s.mu.Lock()
	if last > s.last {
		close(s.grown)
		s.grown = make(chan struct{})
	}
	s.first, s.last, s.used, s.unused, s.written = c.below, last, used, unused, time.Now()
	s.mu.Unlock()
	for _, a := range c.appends {
		a.done <- nil
	}
	return true
}

// nextChange takes what waits, with mu held.
func (s *Spool) nextChange() change {
	c := change{from: s.first, below: s.last + 1}
	var bytes int64
	for len(c.appends) < len(s.waiting) && bytes < maxCommit {
		a := s.waiting[len(c.appends)]
		bytes += a.bytes
		c.appends = append(c.appends, a)
	}
	s.waitingBytes -= bytes
	s.waiting = s.waiting[len(c.appends):]
	if s.moved {
		c.cursors = maps.Clone(s.cursors)
		s.moved = false
	}
	for _, at := range s.cursors {
		c.below = min(c.below, at+1)
	}
	c.below = min(max(c.below, c.from), c.from+maxRemoved)
	if len(c.appends) == 0 && c.below < c.from+maxRemoved && !s.closing && s.rest() {
		s.moved = s.moved || c.cursors != nil
		return change{}
	}
	return c
}

// rest reports whether the last transaction was so lately that another one without reports can wait, with mu held. The writer is
// woken when it cannot any more.
func (s *Spool) rest() bool {
	wait := time.Until(s.written.Add(tidyPause))
	if wait <= 0 {
		return false
	}
	if !s.resting {
		s.resting = true
		time.AfterFunc(wait, func() {
			s.mu.Lock()
			s.resting = false
			s.mu.Unlock()
			s.poke()
		})
	}
	return true
}

// fit is how many of the appends there is room for, up to the first that there is not.
func fit(appends []*appending, room int64) int {
	for i, a := range appends {
		if room -= a.bytes; room < 0 {
			return i
		}
	}
	return len(appends)
}

// refuse gives appends back, and all that wait behind them.
func (s *Spool) refuse(appends []*appending, err error) {
	s.mu.Lock()
	appends = slices.Concat(appends, s.waiting)
	s.waiting, s.waitingBytes = nil, 0
	s.full, s.fullUntil = err, time.Now().Add(fullPause)
	s.mu.Unlock()
	for _, a := range appends {
		a.done <- err
	}
}

// commit writes a change to the disk, and returns the last offset and the total of bytes with it.
func (s *Spool) commit(c change) (last uint64, total int64, err error) {
	err = s.db.Update(func(tx *bolt.Tx) error {
		kept := tx.Bucket(records)
		kept.FillPercent = 1 // nothing is ever put in between
		last, total = kept.Sequence(), s.total
		for _, a := range c.appends {
			for _, value := range a.values {
				last++
				total = seal(value, total)
				if err := kept.Put(key(last), value); err != nil {
					return err
				}
			}
		}
		if err := kept.SetSequence(last); err != nil {
			return err
		}
		for offset := c.from; offset < c.below; offset++ {
			if err := kept.Delete(key(offset)); err != nil {
				return err
			}
		}
		at := tx.Bucket(cursors)
		for sink, offset := range c.cursors {
			if err := at.Put([]byte(sink), key(offset)); err != nil {
				return err
			}
		}
		return nil
	})
	return last, total, err
}

// failed gives the appends of a failed transaction back, and reports whether there may be more to do.
func (s *Spool) failed(c change, err error) bool {
	full := errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
	if full {
		err = fmt.Errorf("%w: %w", bridge.ErrFull, err)
		time.AfterFunc(fullPause, s.poke)
	} else {
		err = fmt.Errorf("spool of reports: %w", err)
	}
	s.mu.Lock()
	s.moved = s.moved || c.cursors != nil
	if !full {
		s.err = err
	}
	s.mu.Unlock()
	s.refuse(c.appends, err)
	return full && len(c.appends) > 0 // without them, removals may make the room
}
