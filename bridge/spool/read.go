package spool

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"

	bolt "go.etcd.io/bbolt"

	"muster/bridge"
)

// maxRead is about how many bytes Read returns.
const maxRead = 4 << 20

// Read implements [bridge.Spool]. A record that is damaged on the disk comes with that as its flaw.
func (s *Spool) Read(sink string, limit int) (batch []bridge.Record, err error) {
	next, last, err := s.span(sink)
	if err != nil {
		return nil, err
	}
	err = s.db.View(func(tx *bolt.Tx) error {
		kept := tx.Bucket(records)
		for size := 0; next <= last && len(batch) < limit && size < maxRead; next++ {
			value := kept.Get(key(next))
			r, err := decode(value)
			if err != nil {
				s.log.Error("a report is lost: its place in the spool is damaged", "offset", next)
				r.Flaw = err.Error()
			}
			r.Offset = next
			batch = append(batch, r)
			size += len(value)
		}
		return nil
	})
	return batch, err
}

// span is what the sink has not done, from next to last; nothing when next is last+1.
func (s *Spool) span(sink string) (next, last uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, known := s.cursors[sink]
	if !known {
		return 0, 0, fmt.Errorf("spool of reports: it was not opened for sink %q", sink)
	}
	return at + 1, s.last, s.err
}

// Wait implements [bridge.Spool].
func (s *Spool) Wait(ctx context.Context, sink string) error {
	for {
		s.mu.Lock()
		grown := s.grown
		s.mu.Unlock()
		next, last, err := s.span(sink)
		switch {
		case err != nil || next <= last:
			return err
		case grown == nil:
			return ErrClosed
		}
		select {
		case <-ctx.Done():
			return nil
		case <-grown:
		}
	}
}

// Done implements [bridge.Spool].
func (s *Spool) Done(sink string, offset uint64) {
	s.mu.Lock()
	if at, known := s.cursors[sink]; known && offset > at && offset <= s.last {
		s.cursors[sink], s.moved = offset, true
	}
	s.mu.Unlock()
	s.poke()
}

// Stats implements [bridge.Spool]. Nothing waits for it but who calls it: the disk may take long.
func (s *Spool) Stats() bridge.SpoolStats {
	s.mu.Lock()
	stats := bridge.SpoolStats{Used: s.used, Limit: s.size, Sinks: map[string]bridge.Lag{}}
	done := maps.Clone(s.cursors)
	s.mu.Unlock()
	_ = s.db.View(func(tx *bolt.Tx) error {
		kept := tx.Bucket(records)
		last := kept.Sequence()
		end := total(kept.Get(key(last)))
		behind := func(offset uint64) bridge.Lag {
			// What the transaction sees may be newer: what every sink has done since is not there.
			first, value := kept.Cursor().Seek(key(offset + 1))
			if first == nil {
				return bridge.Lag{}
			}
			r, _ := decode(value) // a damaged one has no time
			return bridge.Lag{
				Records: int64(last - binary.BigEndian.Uint64(first) + 1), Bytes: end - total(value) + int64(len(value)), Oldest: r.Received,
			}
		}
		all := behind(0)
		stats.Records, stats.Bytes = all.Records, all.Bytes
		for sink, offset := range done {
			stats.Sinks[sink] = behind(offset)
		}
		return nil
	})
	return stats
}
